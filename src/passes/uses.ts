import { type Graph, type Node, operands, type Value } from "../ir/graph.ts";

/** Who reads each value: nodes (once for every operand), and whether it is an output or the source of an update. */
export interface Uses {
  readers(value: Value): readonly Node[];
  isRoot(value: Value): boolean;
  /** The one reader of a value that nothing else needs. */
  onlyReader(value: Value): Node | undefined;
}

/** Finds the readers of every value. */
export function usesOf(graph: Graph): Uses {
  const readers = new Map<Value, Node[]>();
  for (const node of graph.nodes) {
    for (const value of operands(node)) readers.set(value, [...(readers.get(value) ?? []), node]);
  }
  const roots = rootsOf(graph);
  const of = (value: Value): readonly Node[] => readers.get(value) ?? [];
  return {
    readers: of,
    isRoot: (value) => roots.has(value),
    onlyReader: (value) => (of(value).length === 1 && !roots.has(value) ? of(value)[0] : undefined),
  };
}

/** What a graph is run for: its outputs and the sources of its updates. */
export function rootsOf(graph: Graph): Set<Value> {
  return new Set([...Object.values(graph.outputs), ...graph.updates.map(({ source }) => source)]);
}
