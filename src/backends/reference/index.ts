import { EngineError, OptionError } from "../../core/errors.ts";
import { type Shape, size } from "../../core/shape.ts";
import { type ReferenceTensor, type Tensor, toReference } from "../../core/tensor.ts";
import type { Backend, ProfileRow, Session, View, Weights } from "../../engine/session.ts";
import { computeNode } from "../../ir/computeNode.ts";
import { type Graph, leavesOf, type Node, type Value } from "../../ir/graph.ts";
import { leafTensor, needShape } from "./interpret.ts";

export { evaluate, interpret, type Named } from "./interpret.ts";

/** Plain loops in float64: the definition that every other backend is tested against. Weights stay in float64 between runs. */
export const referenceBackend: Backend = {
  name: "reference",
  open: async (graph, weights) => openReference(graph, weights),
};

function denseView(shape: Shape): View {
  const strides = shape.map((_, axis) => size(shape.slice(axis + 1)));
  return { shape, strides, data: new Float32Array(size(shape)) };
}

function openReference(graph: Graph, weights: Weights): Session {
  const values = new Map<Value, ReferenceTensor>();
  for (const leaf of graph.leaves) if (leaf.kind !== "input") values.set(leaf, leafTensor(leaf, weights));
  const views = new Map<string, View>();
  for (const leaf of leavesOf(graph, "input")) views.set(leaf.name as string, denseView(leaf.shape));
  for (const [name, value] of Object.entries(graph.outputs)) views.set(name, denseView(value.shape));
  let isOpen = true;

  const needOpen = (): void => {
    if (!isOpen) throw new EngineError("this session was disposed of; open another one");
  };
  const stored = (name: string): Value => {
    const leaf = graph.leaves.find((each) => each.name === name && each.kind !== "input");
    if (!leaf) throw new OptionError(`no parameter or state "${name}" in this session`);
    return leaf;
  };
  const viewOf = (name: string): View => {
    needOpen();
    const view = views.get(name);
    if (!view) throw new OptionError(`no input or output "${name}"; this session has ${[...views.keys()].join(", ")}`);
    return view;
  };

  function runInPlace(observe: (node: Node, milliseconds: number) => void = () => {}): void {
    needOpen();
    for (const leaf of leavesOf(graph, "input")) values.set(leaf, toReference(viewOf(leaf.name as string)));
    for (const node of graph.nodes) {
      const start = performance.now();
      const ys = computeNode(node, (value) => values.get(value) as ReferenceTensor);
      for (const [i, value] of node.outputs.entries()) values.set(value, ys[i]);
      observe(node, performance.now() - start);
    }
    // Outputs are read before updates: an output that is a parameter shows what the run used.
    for (const [name, value] of Object.entries(graph.outputs)) viewOf(name).data.set((values.get(value) as ReferenceTensor).data);
    const sources = graph.updates.map(({ source }) => values.get(source) as ReferenceTensor);
    for (const [i, { target }] of graph.updates.entries()) values.set(target, sources[i]);
  }

  function run(inputs: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
    for (const leaf of leavesOf(graph, "input")) {
      const given = inputs[leaf.name as string];
      viewOf(leaf.name as string).data.set(leafTensor(leaf, new Map(given ? [[leaf.name as string, given]] : [])).data);
    }
    runInPlace();
    return Object.fromEntries(Object.entries(graph.outputs).map(([name, { shape }]) => [name, { shape, data: viewOf(name).data.slice() }]));
  }

  function profile(): readonly ProfileRow[] {
    const rows: ProfileRow[] = [];
    runInPlace((node, milliseconds) => rows.push({ op: node.op.name, scope: node.scope, kernel: "reference", milliseconds }));
    return rows;
  }

  function dispose(): void {
    isOpen = false;
    values.clear();
  }

  const elements = [...graph.leaves, ...graph.nodes.flatMap((node) => node.outputs)].reduce((sum, { shape }) => sum + size(shape), 0);
  return {
    graph,
    fallbacks: [],
    bytes: elements * Float64Array.BYTES_PER_ELEMENT,
    run,
    runInPlace: () => runInPlace(),
    view: viewOf,
    read(name) {
      needOpen();
      const { shape, data } = values.get(stored(name)) as ReferenceTensor;
      return { shape, data: Float32Array.from(data) };
    },
    write(name, value) {
      needOpen();
      const leaf = stored(name);
      needShape(`the new value of "${name}"`, value.shape, leaf.shape);
      values.set(leaf, toReference(value));
    },
    profile,
    dispose,
    [Symbol.dispose]: dispose,
  };
}
