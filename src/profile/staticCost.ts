import { bytesOfType } from "../core/dtype.ts";
import { type Shape, size } from "../core/shape.ts";
import { lowerBound } from "../engine/memory.ts";
import { dtypeOf, type Graph, type Node, operands, type Value } from "../ir/graph.ts";
import { costOf, type Operations, sumOperations } from "../ir/op.ts";

/** The cost of one node by its op's rule: kinds of arithmetic are kept apart, `bytes` are read and written. */
export interface CostRow extends Required<Operations> {
  readonly op: string;
  readonly scope: string;
  readonly shape: Shape;
  readonly params: number;
  readonly bytes: number;
}

/** A graph's cost, whole and by node, for the batch it was built with. */
export interface StaticCost extends Required<Operations> {
  readonly rows: readonly CostRow[];
  /** Learnable scalars (running statistics are not). */
  readonly params: number;
  readonly bytes: number;
  /** Bytes of the weights file's tensors, running statistics included. */
  readonly weightBytes: number;
  /** The most bytes of activations alive at one time, inputs included. */
  readonly peakBytes: number;
}

/** Bytes of values as their types store them. */
function bytesOf(values: readonly Value[]): number {
  return values.reduce((sum, value) => sum + size(value.shape) * bytesOfType[dtypeOf(value)], 0);
}

/** Counts what a graph costs, from the ops' cost rules; nothing is run. */
export function staticCost(graph: Graph): StaticCost {
  const counted = new Set<Value>();
  const rows = graph.nodes.map((node) => costRow(node, counted));
  const total = (pick: (row: CostRow) => number): number => rows.reduce((sum, row) => sum + pick(row), 0);
  const stored = graph.leaves.filter((leaf) => leaf.kind === "parameter" || leaf.kind === "state");
  const sizes = (values: readonly Value[]): number => values.reduce((sum, value) => sum + size(value.shape), 0);
  return {
    rows,
    params: sizes(stored.filter((leaf) => leaf.kind === "parameter")),
    ...sumOperations(rows),
    bytes: total((row) => row.bytes),
    weightBytes: bytesOf(stored),
    peakBytes: peakActivationBytes(graph),
  };
}

function costRow(node: Node, counted: Set<Value>): CostRow {
  const own = operands(node).filter((value) => value.kind === "parameter" && !counted.has(value));
  for (const value of own) counted.add(value);
  const { moved, ...operations } = costOf(node);
  const params = own.reduce((sum, value) => sum + size(value.shape), 0);
  const values = [...operands(node), ...node.outputs];
  const isOfFloats = values.every((value) => dtypeOf(value) === "f32");
  return {
    op: node.op.name,
    scope: node.scope,
    shape: node.outputs[0].shape,
    params,
    ...sumOperations([operations]),
    // Rules count elements; where these differ in size, every operand and output is touched once.
    bytes: isOfFloats ? moved * bytesOfType.f32 : node.op.isView ? 0 : bytesOf(values),
  };
}

/** Views share memory with what they view; everything else lives from its node to its last reader. */
function peakActivationBytes(graph: Graph): number {
  const last = new Map<Value, number>();
  graph.nodes.forEach((node, at) => {
    for (const value of operands(node)) last.set(value, at);
  });
  for (const value of Object.values(graph.outputs)) last.set(value, graph.nodes.length);
  const inputs = graph.leaves
    .filter((leaf) => leaf.kind === "input")
    .map((leaf) => ({ bytes: bytesOf([leaf]), from: 0, to: last.get(leaf) ?? 0 }));
  const computed = graph.nodes.flatMap((node, at) =>
    node.op.isView ? [] : node.outputs.map((value) => ({ bytes: bytesOf([value]), from: at, to: last.get(value) ?? at })),
  );
  return lowerBound([...inputs, ...computed]);
}
