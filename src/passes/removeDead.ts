import { type Graph, operands, type Value } from "../ir/graph.ts";
import { rootsOf } from "./uses.ts";

/** Drops nodes that lead to no output and no update, and leaves that nothing reads (inputs stay: they are the graph's signature). */
export function removeDead(graph: Graph): Graph {
  const isRead = reachable(graph, rootsOf(graph));
  const targets = new Set(graph.updates.map(({ target }) => target));
  return {
    ...graph,
    leaves: graph.leaves.filter((leaf) => leaf.kind === "input" || isRead.has(leaf) || targets.has(leaf)),
    nodes: graph.nodes.filter((node) => node.outputs.some((value) => isRead.has(value))),
  };
}

/** Every value that the roots depend on, themselves included. */
export function reachable(graph: Graph, roots: Iterable<Value>): ReadonlySet<Value> {
  const read = new Set(roots);
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((value) => read.has(value))) continue;
    for (const value of operands(node)) read.add(value);
  }
  return read;
}
