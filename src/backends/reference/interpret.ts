import { EngineError, OptionError, ShapeError } from "../../core/errors.ts";
import { formatShape, isSameShape } from "../../core/shape.ts";
import { type ReferenceTensor, type Tensor, toReference } from "../../core/tensor.ts";
import { computeNode } from "../../ir/computeNode.ts";
import type { Graph, Value } from "../../ir/graph.ts";

/** Tensors by weight name or input name. */
export type Named = ReadonlyMap<string, Tensor<Float32Array | Float64Array>>;

/** Every value of a graph in float64, by the ops' definitions: the meaning of the graph. Updates are left to the caller. */
export function interpret(graph: Graph, weights: Named, inputs: Named): ReadonlyMap<Value, ReferenceTensor> {
  const values = new Map<Value, ReferenceTensor>();
  for (const leaf of graph.leaves) values.set(leaf, leafTensor(leaf, leaf.kind === "input" ? inputs : weights));
  for (const node of graph.nodes) {
    const ys = computeNode(node, (value) => values.get(value) as ReferenceTensor);
    for (const [i, value] of node.outputs.entries()) values.set(value, ys[i]);
  }
  return values;
}

/** The outputs of a graph in float64, by name. */
export function evaluate(graph: Graph, weights: Named, inputs: Named): ReadonlyMap<string, ReferenceTensor> {
  const values = interpret(graph, weights, inputs);
  return new Map(Object.entries(graph.outputs).map(([name, value]) => [name, values.get(value) as ReferenceTensor]));
}

/** What a leaf holds, from its own data or from the tensors given for it. */
export function leafTensor(leaf: Value, given: Named): ReferenceTensor {
  if (leaf.data) return { shape: leaf.shape, data: Float64Array.from(leaf.data) };
  const name = leaf.name as string;
  const held = given.get(name);
  const what = `${leaf.kind} "${name}"`;
  if (!held) throw new OptionError(`${what} ${formatShape(leaf.shape)} is missing; given: ${[...given.keys()].join(", ") || "none"}`);
  needShape(what, held.shape, leaf.shape);
  if (held.data.length !== toLength(held))
    throw new EngineError(`${what} ${formatShape(held.shape)} comes with ${held.data.length} elements`);
  return toReference(held);
}

function toLength({ shape }: { shape: readonly number[] }): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** Refuses a tensor that has not the shape of the value it is for. */
export function needShape(what: string, found: readonly number[], needed: readonly number[]): void {
  if (!isSameShape(found, needed)) throw new ShapeError(`${what} is ${formatShape(found)}, needed ${formatShape(needed)}`);
}
