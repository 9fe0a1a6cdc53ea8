import { InternalError } from "../core/errors.ts";
import { size } from "../core/shape.ts";
import { type ReferenceTensor, type Tensor, toReference } from "../core/tensor.ts";
import { computeNode } from "../ir/computeNode.ts";
import { type Graph, type Node, operands, type Value } from "../ir/graph.ts";
import { extendScope } from "../ir/scope.ts";
import { removeDead } from "./removeDead.ts";
import { rewrite } from "./rewrite.ts";

/** A graph and the values of its parameters and states, by name. */
export interface Weighted {
  readonly graph: Graph;
  readonly weights: ReadonlyMap<string, Tensor>;
}

/** What a folded value is held in while others are computed from it. */
type Held = Tensor<Float32Array | Float64Array>;

/**
 * Computes, in float64 (elementwise results are kept as float32), every value that depends on stored values only, and stores those that the rest reads as
 * parameters called `<scope>.<op>`; weights that nothing reads any more are dropped. Leaves that a run replaces are not constant.
 */
export function foldConstants(graph: Graph, weights: ReadonlyMap<string, Tensor>): Weighted {
  const targets = new Set(graph.updates.map(({ target }) => target));
  const held = new Map<Value, Held>();
  const isConstant = (value: Value): boolean =>
    held.has(value) || (value.kind !== "input" && value.kind !== "computed" && !targets.has(value));
  const lookup = (value: Value): Held => held.get(value) ?? stored(value, weights);
  const folded = new Set<Node>();
  for (const node of graph.nodes) {
    if (!operands(node).every(isConstant)) continue;
    compute(node, lookup, held);
    folded.add(node);
  }
  return store(graph, weights, held, folded);
}

function stored(leaf: Value, weights: ReadonlyMap<string, Tensor>): Held {
  if (leaf.data) return { shape: leaf.shape, data: new Float64Array(leaf.data) };
  const tensor = weights.get(leaf.name as string);
  if (!tensor) throw new InternalError(`no weight "${leaf.name}"`);
  return tensor;
}

/** Computes a node's outputs into `held`. */
function compute(node: Node, lookup: (value: Value) => Held, held: Map<Value, Held>): void {
  const isPlain = node.op.isElementwise && node.outputs.length === 1 && node.epilogue.length === 0;
  const ys = isPlain ? [elementwise(node, node.inputs.map(lookup))] : computeNode(node, (value) => toReference(lookup(value)));
  for (const [i, value] of node.outputs.entries()) held.set(value, ys[i]);
}

/**
 * Large weights are folded by elementwise ops. Their rules read each element, compute, and write once: numbers are float64 in between, whatever the arrays
 * hold, so float32 arrays spare two copies of twice their size.
 */
function elementwise({ op, attrs, outputs: [{ shape }] }: Node, inputs: readonly Held[]): Tensor {
  const y = { shape, data: new Float32Array(size(shape)) };
  op.reference(y as unknown as ReferenceTensor, inputs as unknown as readonly ReferenceTensor[], attrs, [y as unknown as ReferenceTensor]);
  return y;
}

/** Replaces the folded nodes by parameters that hold their results. */
function store(graph: Graph, weights: ReadonlyMap<string, Tensor>, held: ReadonlyMap<Value, Held>, folded: ReadonlySet<Node>): Weighted {
  const isRead = new Set([...graph.nodes.filter((node) => !folded.has(node)).flatMap(operands), ...Object.values(graph.outputs)]);
  const results = [...folded].flatMap((node) => node.outputs).filter((value) => isRead.has(value));
  const root = extendScope({ leaves: graph.leaves, nodes: [], outputs: {}, updates: [] });
  const names = new Set(graph.leaves.map(({ name }) => name));
  const all = new Map(weights);
  const places = new Map<Value, Value>();
  for (const value of results) {
    const { op, scope } = value.producer as Node;
    const name = unusedName(scope === "" ? op.name : `${scope}.${op.name}`, names);
    places.set(value, root.parameter(name, value.shape, { kind: "constant", value: 0 }));
    const { shape, data } = held.get(value) as Held;
    all.set(name, { shape, data: data instanceof Float32Array ? data : new Float32Array(data) });
  }
  const withLeaves = { ...graph, leaves: root.finish().leaves };
  const rewritten = rewrite(withLeaves, (node, rewriting) => {
    if (!folded.has(node)) return undefined;
    for (const value of node.outputs) {
      const place = places.get(value);
      if (place) rewriting.put(value, place);
    }
    return [];
  });
  const kept = removeDead(rewritten);
  const used = new Set(kept.leaves.map(({ name }) => name));
  return { graph: kept, weights: new Map([...all].filter(([name]) => used.has(name))) };
}

function unusedName(wanted: string, names: Set<string | undefined>): string {
  let name = wanted;
  for (let i = 2; names.has(name); i++) name = `${wanted}.${i}`;
  names.add(name);
  return name;
}
