import { InternalError } from "../core/errors.ts";
import type { Graph, Value } from "../ir/graph.ts";
import type { Scope } from "../ir/scope.ts";

/**
 * Builds a graph once more where a scope stands: what `inputs` names takes the place of the graph's inputs, every other leaf becomes a leaf of
 * the scope's graph. Returns where the outputs are.
 */
export function graft(g: Scope, graph: Graph, inputs: Readonly<Record<string, Value>>): Readonly<Record<string, Value>> {
  const places = new Map<Value, Value>(graph.leaves.map((leaf) => [leaf, inputs[leaf.name as string] ?? leafIn(g, leaf)]));
  const map = (value: Value): Value => places.get(value) as Value;
  for (const { op, inputs: read, attrs, outputs, scope, epilogue } of graph.nodes) {
    const fused = epilogue.map((each) => ({ ...each, inputs: each.inputs.map(map) }));
    const emitted = (scope === "" ? g : g.scope(scope)).emit(op, read.map(map), attrs, fused);
    for (const [i, value] of outputs.entries()) places.set(value, emitted[i]);
  }
  for (const { target, source } of graph.updates) g.update(map(target), map(source));
  return Object.fromEntries(Object.entries(graph.outputs).map(([name, value]) => [name, map(value)]));
}

function leafIn(g: Scope, { kind, name = "", shape, init, data }: Value): Value {
  if (kind === "input") return g.input(name, shape);
  if (kind === "constant" && data) return g.constant(shape, data);
  if (init && (kind === "parameter" || kind === "state")) return g[kind](name, shape, init);
  throw new InternalError(`leaf "${name}" of kind ${kind} has nothing to start with`);
}
