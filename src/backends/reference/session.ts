import { EngineError, OptionError } from "../../core/errors.ts";
import { type Shape, size } from "../../core/shape.ts";
import { type ReferenceTensor, type Tensor, toReference } from "../../core/tensor.ts";
import type { ProfileRow, Session, View, Weights } from "../../engine/session.ts";
import { computeNode } from "../../ir/computeNode.ts";
import { type Graph, leavesOf, type Node, type Value } from "../../ir/graph.ts";
import { leafTensor, needShape } from "./interpret.ts";

/** What an open session holds: every value in float64, inputs and outputs in float32 as well. */
interface Held {
  readonly graph: Graph;
  readonly values: Map<Value, ReferenceTensor>;
  readonly views: ReadonlyMap<string, View>;
  isOpen: boolean;
}

/** Opens a graph on the reference. Weights stay in float64 between runs. */
export function openSession(graph: Graph, weights: Weights): Session {
  const held: Held = { graph, values: new Map(), views: viewsOf(graph), isOpen: true };
  for (const leaf of graph.leaves) if (leaf.kind !== "input") held.values.set(leaf, leafTensor(leaf, weights));
  const elements = [...graph.leaves, ...graph.nodes.flatMap((node) => node.outputs)].reduce((sum, { shape }) => sum + size(shape), 0);
  const dispose = (): void => {
    held.isOpen = false;
    held.values.clear();
  };
  return {
    graph,
    fallbacks: [],
    bytes: elements * Float64Array.BYTES_PER_ELEMENT,
    threads: 1,
    run: (inputs) => run(held, inputs),
    runInPlace: () => runInPlace(held),
    view: (name) => viewOf(held, name),
    read: (name) => read(held, name),
    write: (name, value) => write(held, name, value),
    profile: () => profile(held),
    dispose,
    [Symbol.dispose]: dispose,
  };
}

function viewsOf(graph: Graph): ReadonlyMap<string, View> {
  const inputs = leavesOf(graph, "input").map((leaf) => [leaf.name as string, denseView(leaf.shape)] as const);
  const outputs = Object.entries(graph.outputs).map(([name, value]) => [name, denseView(value.shape)] as const);
  return new Map([...inputs, ...outputs]);
}

function denseView(shape: Shape): View {
  const strides = shape.map((_, axis) => size(shape.slice(axis + 1)));
  return { shape, strides, data: new Float32Array(size(shape)) };
}

function needOpen({ isOpen }: Held): void {
  if (!isOpen) throw new EngineError("this session was disposed of; open another one");
}

function viewOf(held: Held, name: string): View {
  needOpen(held);
  const view = held.views.get(name);
  if (!view) throw new OptionError(`no input or output "${name}"; this session has ${[...held.views.keys()].join(", ")}`);
  return view;
}

function runInPlace(held: Held, observe: (node: Node, milliseconds: number) => void = () => {}): void {
  const { graph, values } = held;
  needOpen(held);
  const tensorOf = (value: Value): ReferenceTensor => values.get(value) as ReferenceTensor;
  for (const leaf of leavesOf(graph, "input")) values.set(leaf, toReference(viewOf(held, leaf.name as string)));
  for (const node of graph.nodes) {
    const start = performance.now();
    const ys = computeNode(node, tensorOf);
    for (const [i, value] of node.outputs.entries()) values.set(value, ys[i]);
    observe(node, performance.now() - start);
  }
  // Before the updates: an output that is a parameter shows what the run used.
  for (const [name, value] of Object.entries(graph.outputs)) viewOf(held, name).data.set(tensorOf(value).data);
  const sources = graph.updates.map(({ source }) => tensorOf(source));
  for (const [i, { target }] of graph.updates.entries()) values.set(target, sources[i]);
}

function run(held: Held, inputs: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
  const given = new Map(Object.entries(inputs));
  for (const leaf of leavesOf(held.graph, "input")) viewOf(held, leaf.name as string).data.set(leafTensor(leaf, given).data);
  runInPlace(held);
  return Object.fromEntries(
    Object.entries(held.graph.outputs).map(([name, { shape }]) => [name, { shape, data: viewOf(held, name).data.slice() }]),
  );
}

function profile(held: Held): readonly ProfileRow[] {
  const rows: ProfileRow[] = [];
  runInPlace(held, (node, milliseconds) => rows.push({ op: node.op.name, scope: node.scope, kernel: "reference", milliseconds }));
  return rows;
}

function storedLeaf({ graph }: Held, name: string): Value {
  const leaf = graph.leaves.find((each) => each.name === name && each.kind !== "input");
  if (!leaf) throw new OptionError(`no parameter or state "${name}" in this session`);
  return leaf;
}

function read(held: Held, name: string): Tensor {
  needOpen(held);
  const { shape, data } = held.values.get(storedLeaf(held, name)) as ReferenceTensor;
  return { shape, data: Float32Array.from(data) };
}

function write(held: Held, name: string, value: Tensor): void {
  needOpen(held);
  const leaf = storedLeaf(held, name);
  needShape(`the new value of "${name}"`, value.shape, leaf.shape);
  held.values.set(leaf, toReference(value));
}
