import { isSameShape } from "../core/shape.ts";
import type { Tensor } from "../core/tensor.ts";
import type { Backend, OpenOptions, Session, View } from "../engine/session.ts";
import { type Graph, leavesOf, type Node, place } from "../ir/graph.ts";

/** Nodes whose outputs are looked at in one run; more would need more memory, because all of them are kept. */
const NODES_AT_ONCE = 24;

/** Visits the elements of a strided view; true where all are finite (padding is not looked at). */
function isFiniteView({ shape, strides, data }: View): boolean {
  const look = (axis: number, at: number): boolean => {
    if (axis === shape.length) return Number.isFinite(data[at]);
    for (let i = 0; i < shape[axis]; i++) if (!look(axis + 1, at + i * strides[axis])) return false;
    return true;
  };
  return look(0, 0);
}

/** Copies the elements of one view into another of the same shape. */
function copyView(from: View, to: View): void {
  const copy = (axis: number, a: number, b: number): void => {
    if (axis === from.shape.length) to.data[b] = from.data[a];
    else for (let i = 0; i < from.shape[axis]; i++) copy(axis + 1, a + i * from.strides[axis], b + i * to.strides[axis]);
  };
  if (isSameShape(from.shape, to.shape)) copy(0, 0, 0);
}

/** The graph up to some of its nodes, with everything these compute as outputs "0", "1" … */
function probe(graph: Graph, nodes: readonly Node[]): Graph {
  const last = graph.nodes.indexOf(nodes[nodes.length - 1]);
  const outputs = Object.fromEntries(nodes.flatMap((node) => node.outputs).map((value, i) => [String(i), value]));
  return { leaves: graph.leaves, nodes: graph.nodes.slice(0, last + 1), outputs, updates: [] };
}

/**
 * Runs the graph again on what a session's inputs hold and with its weights, a few nodes at a time, and returns the first node of which
 * an output is not finite. It runs on the same backend, so that it meets the same rounding and the same overflow.
 */
export async function firstNotFinite(session: Session, backend: Backend, options: OpenOptions): Promise<Node | undefined> {
  const { graph } = session;
  const stored = [...leavesOf(graph, "parameter"), ...leavesOf(graph, "state")];
  const weights = new Map<string, Tensor>(stored.map(({ name = "" }) => [name, session.read(name)]));
  for (let from = 0; from < graph.nodes.length; from += NODES_AT_ONCE) {
    const nodes = graph.nodes.slice(from, from + NODES_AT_ONCE);
    using probing = await backend.open(probe(graph, nodes), weights, options);
    for (const { name = "" } of leavesOf(graph, "input")) copyView(session.view(name), probing.view(name));
    probing.runInPlace();
    let output = 0;
    for (const node of nodes) {
      const areFinite = node.outputs.map(() => isFiniteView(probing.view(String(output++))));
      if (areFinite.includes(false)) return node;
    }
  }
  return undefined;
}

/** The first stored value that is not finite, by name. */
export function weightNotFinite(weights: ReadonlyMap<string, Tensor>): string | undefined {
  for (const [name, { data }] of weights) if (!data.every(Number.isFinite)) return name;
  return undefined;
}

/** `conv2d at "features.3.conv"`, with what a node of the gradient belongs to. */
export function describeNode(node: Node | undefined): string {
  return node ? place(node) : "no single layer: it appears only in the sum of all gradients";
}
