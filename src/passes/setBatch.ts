import type { Graph, Value } from "../ir/graph.ts";
import { graphScope } from "../ir/scope.ts";
import { batchedShapeOf } from "../ops/attributeRules.ts";
import { graft } from "./graft.ts";

/** The same network for so many images a run; the graph given is for one. */
export function setBatch(graph: Graph, batch: number): Graph {
  if (batch === 1) return graph;
  const g = graphScope();
  const many = (shape: readonly number[]): readonly number[] => [shape[0] * batch, ...shape.slice(1)];
  const inputs = graph.leaves
    .filter(({ kind }) => kind === "input")
    .map(({ name = "", shape }) => [name, g.input(name, many(shape))] as const);
  const nodes = graph.nodes.map((node) => {
    const key = batchedShapeOf(node.op);
    if (key === undefined) return node;
    const held = (node.attrs as Readonly<Record<string, readonly number[]>>)[key];
    return { ...node, attrs: { ...node.attrs, [key]: many(held) } };
  });
  const outputs: Readonly<Record<string, Value>> = graft(g, { ...graph, nodes }, Object.fromEntries(inputs));
  for (const [name, value] of Object.entries(outputs)) g.output(name, value);
  return g.finish();
}
