import { isSameShape, type Shape, size } from "../../src/core/shape.ts";
import type { Tensor } from "../../src/core/tensor.ts";
import type { Backend, Session } from "../../src/engine/session.ts";
import { type Graph, leavesOf, type Value } from "../../src/ir/graph.ts";
import { costOf } from "../../src/ir/op.ts";
import { verify } from "../../src/ir/verify.ts";
import type { Similar } from "../../src/ops/similarity.ts";
import { differentiate } from "../../src/passes/differentiate.ts";
import { optimiseTraining } from "../../src/passes/index.ts";
import { expect, expectShape, Mismatch } from "./compare.ts";

/** Tensors by name. */
export type Tensors = ReadonlyMap<string, Tensor>;

/** What a run gave: outputs, and parameters and states after it. */
export interface Ran {
  readonly outputs: Readonly<Record<string, Tensor>>;
  read(name: string): Tensor;
  /** The outputs of a further run on the same session. */
  again(inputs: Readonly<Record<string, Tensor>>): Readonly<Record<string, Tensor>>;
}

/** Opens, runs once and hands the result to `use`; a node without a kernel ends the replay. */
export async function runOnce<T>(
  backend: Backend,
  graph: Graph,
  weights: Tensors,
  inputs: Readonly<Record<string, Tensor>>,
  use: (ran: Ran) => T,
): Promise<T> {
  using session: Session = await backend.open(graph, weights);
  const [fallback] = session.fallbacks;
  expect(!fallback, () => `${session.fallbacks.length} nodes fell back to the reference, first ${fallback.op} at "${fallback.scope}"`);
  return use({ outputs: session.run(inputs), read: (name) => session.read(name), again: (more) => session.run(more) });
}

/** The graph with further named outputs. */
export function withOutputs(graph: Graph, more: Readonly<Record<string, Value>>): Graph {
  return verify({ ...graph, outputs: { ...graph.outputs, ...more } });
}

/** Parameters of a graph, counted. */
export function countParams(graph: Graph): number {
  return leavesOf(graph, "parameter").reduce((sum, leaf) => sum + size(leaf.shape), 0);
}

function countMacs(graph: Graph): number {
  return graph.nodes.reduce((sum, node) => sum + costOf(node).macs, 0);
}

/** Adder operations of a graph: taps of distances, biases not counted. */
function countAdders(graph: Graph): number {
  const shapes = (values: readonly Value[]): readonly Shape[] => values.map(({ shape }) => shape);
  return graph.nodes
    .filter(({ op, attrs }) => op.takesSimilarity && (attrs as Partial<Similar>).similarity === "l1")
    .reduce((sum, { op, inputs, attrs, outputs }) => sum + op.cost(shapes(inputs.slice(0, 2)), attrs, shapes(outputs)).adds / 2, 0);
}

/** Multiply–accumulates and, where the fixture tells them, adder operations of one image. */
export function expectCounts(graph: Graph, images: number, needed: { readonly total: number; readonly adder?: number }): void {
  const macs = countMacs(graph) / images;
  expect(macs === needed.total, () => `MACs: ${macs}, needed ${needed.total}`);
  const adders = countAdders(graph) / images;
  expect(adders === (needed.adder ?? 0), () => `adder operations: ${adders}, needed ${needed.adder ?? 0}`);
}

/** Names and shapes of parameters and states must be exactly those needed. */
export function expectState(graph: Graph, needed: ReadonlyMap<string, Shape>): void {
  const found = new Map([...leavesOf(graph, "parameter"), ...leavesOf(graph, "state")].map((leaf) => [leaf.name as string, leaf.shape]));
  for (const [name, shape] of needed) {
    const held = found.get(name);
    expect(held !== undefined, () => `state: "${name}" of the fixture is missing in our network`);
    expectShape(`state "${name}"`, held, shape);
  }
  for (const name of found.keys()) expect(needed.has(name), () => `state: our "${name}" is not in the fixture`);
}

/** The gradients of a run by leaf name; zero where the output does not depend on the leaf. */
export interface Gradients {
  readonly graph: Graph;
  of(ran: Pick<Ran, "outputs">, leaf: Value): Tensor;
}

/** Differentiates an output with respect to all parameters and the input, as further outputs of the graph. */
export function withGradients(graph: Graph, input: Value, options: { loss?: string; cotangent?: string }): Gradients {
  const wrt = [...leavesOf(graph, "parameter"), input];
  const { graph: whole, gradients } = differentiate(graph, { ...options, wrt });
  const outputs = Object.fromEntries([...gradients].map(([leaf, value]) => [`gradient.${leaf.name}`, value]));
  return {
    graph: optimiseTraining(withOutputs(whole, outputs)),
    of(ran, leaf) {
      const gradient = ran.outputs[`gradient.${leaf.name}`];
      if (!gradient) return { shape: leaf.shape, data: new Float32Array(size(leaf.shape)) };
      if (!isSameShape(gradient.shape, leaf.shape)) throw new Mismatch(`gradient of "${leaf.name}" has another shape than the weight`);
      return gradient;
    },
  };
}
