import { InternalError } from "../core/errors.ts";
import type { Fused, Graph, Node, Value } from "../ir/graph.ts";
import type { Op } from "../ir/op.ts";
import { extendScope, type Scope } from "../ir/scope.ts";

/** A rewrite in progress. */
export interface Rewriting {
  /** The new graph, at a node's place in the name tree. */
  at(scope: string): Scope;
  /** Where a value of the old graph is in the new one. */
  map(value: Value): Value;
  /** Says where a value of the old graph is in the new one; needed only for values of other nodes than the visited one. */
  put(value: Value, place: Value): void;
  mapEpilogue(epilogue: readonly Fused[]): readonly Fused[];
}

/** Emits what stands for a node and returns its outputs (none: nothing reads them); undefined keeps the node as it is. */
export type Rewriter = (node: Node, rewriting: Rewriting) => readonly Value[] | undefined;

/**
 * A graph whose nodes are what `rewriter` makes of each; outputs and updates follow. Values get new ids; leaves stay, but for those that `renewed`
 * puts another in the place of.
 */
export function rewrite(graph: Graph, rewriter: Rewriter, renewed: ReadonlyMap<Value, Value> = new Map()): Graph {
  const places = new Map<Value, Value>(graph.leaves.map((leaf) => [leaf, renewed.get(leaf) ?? leaf]));
  const root = extendScope({ leaves: [...places.values()], nodes: [], outputs: {}, updates: [] });
  const map = (value: Value): Value => {
    const place = places.get(value);
    if (!place) throw new InternalError(`%${value.id} was dropped by a rewrite, but is still read`);
    return place;
  };
  const rewriting: Rewriting = {
    at: (scope) => (scope === "" ? root : root.scope(scope)),
    map,
    put: (value, place) => void places.set(value, place),
    mapEpilogue: (epilogue) => epilogue.map((fused) => ({ ...fused, inputs: fused.inputs.map(map) })),
  };
  for (const node of graph.nodes) {
    const outputs = rewriter(node, rewriting) ?? emitCopy(node, rewriting);
    for (const [i, value] of outputs.entries()) places.set(node.outputs[i], value);
  }
  for (const [name, value] of Object.entries(graph.outputs)) root.output(name, map(value));
  for (const { target, source } of graph.updates) root.update(map(target), map(source));
  return root.finish();
}

/** The same node over mapped operands, with `more` fused behind its epilogue. */
export function emitCopy(node: Node, { at, map, mapEpilogue }: Rewriting, more: readonly Fused[] = []): readonly Value[] {
  return at(node.scope).emit(node.op, node.inputs.map(map), node.attrs, mapEpilogue([...node.epilogue, ...more]));
}

/** The node that computes a value, with typed attributes, if it is an application of `op`. */
export function applicationOf<A extends object>(op: Op<A>, value: Value): { node: Node; attrs: A } | undefined {
  const node = value.producer;
  return node && (node.op as unknown) === op ? { node, attrs: node.attrs as A } : undefined;
}
