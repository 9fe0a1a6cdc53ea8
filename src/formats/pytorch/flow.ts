/** What flows through a graph: which values nodes read from elsewhere, which of theirs others read, and how scopes cut it up. */
import { InternalError } from "../../core/errors.ts";
import { type Graph, leavesOf, type Node, type Value } from "../../ir/graph.ts";
import type { Operands } from "./operators.ts";

/** Nodes that are computed in one go: a child scope, or one node of the scope in hand. */
export interface Item {
  /** Names from the scope in hand; undefined for its own nodes. */
  readonly path?: readonly string[];
  readonly nodes: readonly Node[];
}

/** A graph's values with their readers. */
export interface Flow {
  readonly image: Value;
  readonly nodes: readonly Node[];
  /** Nodes that read a value. */
  readersOf(value: Value): readonly Node[];
  /** First outputs of nodes that others read. */
  outputsOf(nodes: readonly Node[]): readonly Value[];
}

/** The operands of a node by what they are. */
export function operandsOf({ inputs }: Node): Operands {
  const isNoise = ({ kind, name = "" }: Value): boolean => kind === "input" && name.startsWith("noise.");
  const isStored = ({ kind }: Value): boolean => kind === "parameter" || kind === "state";
  return { data: inputs.filter((x) => !isNoise(x) && !isStored(x)), stored: inputs.filter(isStored), given: inputs.filter(isNoise) };
}

/** Data that nodes read from outside, in order of first use. */
export function inputsOf(nodes: readonly Node[]): readonly Value[] {
  const inside = new Set<Value>(nodes.flatMap(({ outputs }) => outputs));
  return [...new Set(nodes.flatMap((node) => operandsOf(node).data).filter((value) => !inside.has(value)))];
}

/** The flow of a graph from its image to its logits. */
export function flowOf(graph: Graph): Flow {
  const readers = new Map<Value, Node[]>();
  for (const node of graph.nodes) {
    for (const value of node.inputs) readers.set(value, [...(readers.get(value) ?? []), node]);
  }
  const { logits } = graph.outputs;
  const readersOf = (value: Value): readonly Node[] => readers.get(value) ?? [];
  const image = leavesOf(graph, "input").find(({ name = "" }) => !name.startsWith("noise."));
  if (!image) throw new InternalError("a network without an image");
  return {
    image,
    nodes: graph.nodes,
    readersOf,
    outputsOf(nodes) {
      const inside = new Set(nodes);
      const isRead = (value: Value): boolean => value === logits || readersOf(value).some((node) => !inside.has(node));
      return nodes.map(({ outputs }) => outputs[0]).filter(isRead);
    },
  };
}

/** The path of a scope inside another. */
export function joined(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

/** The child scopes and the own nodes of a scope, in order of their first nodes. */
function itemsOf(path: string, nodes: readonly Node[], prefix: readonly string[]): readonly Item[] {
  const start = path === "" ? 0 : path.length + 1;
  const groups = new Map<string, Node[]>();
  const items: Item[] = [];
  for (const node of nodes) {
    if (node.scope === path) {
      items.push({ nodes: [node] });
      continue;
    }
    const [name] = node.scope.slice(start).split(".");
    const held = groups.get(name);
    if (held) held.push(node);
    else {
      const members = [node];
      groups.set(name, members);
      items.push({ path: [...prefix, name], nodes: members });
    }
  }
  return items;
}

/** What a scope holds, in an order in which each item can be computed in one go and gives one value; child scopes that cannot be are opened. */
export function cut(flow: Flow, path: string, nodes: readonly Node[]): readonly Item[] {
  return inOrder(flow, path, itemsOf(path, nodes, []));
}

function opened(root: string, { path = [], nodes }: Item): readonly Item[] {
  return itemsOf(path.reduce(joined, root), nodes, path);
}

function inOrder(flow: Flow, root: string, items: readonly Item[]): readonly Item[] {
  const open = (item: Item): readonly Item[] => inOrder(flow, root, opened(root, item));
  let left = items.flatMap((item) => (item.path && flow.outputsOf(item.nodes).length !== 1 ? open(item) : [item]));
  const done: Item[] = [];
  while (left.length > 0) {
    const waiting = new Set(left.flatMap((item) => item.nodes));
    const isReady = ({ nodes }: Item): boolean => inputsOf(nodes).every(({ producer }) => !producer || !waiting.has(producer));
    const ready = left.find(isReady);
    const stuck = ready ? undefined : left.find((item) => item.path);
    if (!ready && !stuck) throw new InternalError(`nodes of "${root}" wait for each other`);
    if (ready) done.push(ready);
    left = left.flatMap((item) => (item === ready ? [] : item === stuck ? open(item) : [item]));
  }
  return done;
}
