import { size } from "../../src/core/shape.ts";
import type { Tensor } from "../../src/core/tensor.ts";
import type { Backend } from "../../src/engine/session.ts";
import { type Graph, leavesOf, type Value } from "../../src/ir/graph.ts";
import { extendScope } from "../../src/ir/scope.ts";
import { buildNetwork } from "../../src/networks/index.ts";
import { softmaxCrossEntropy } from "../../src/ops/softmaxCrossEntropy.ts";
import { optimise } from "../../src/passes/index.ts";
import { expect, expectNear, expectShape, Mismatch, show, type Tolerances } from "./compare.ts";
import { type Counterpart, counterpartOf } from "./networks.ts";
import { type Drawn, draw, drawState, type Recipe, type StateEntry, stateChecksum, streamOf } from "./recipe.ts";
import { countMacs, countParams, expectState, type Ran, runOnce, type Tensors, withGradients, withOutputs } from "./run.ts";

/** A tensor told by its moments and first elements. */
interface Digest {
  readonly shape: readonly number[];
  readonly mean: number;
  readonly std: number;
  readonly l2: number;
  readonly first: readonly number[];
}

interface GradientSet {
  readonly mode: "train" | "eval";
  readonly input: Drawn;
  readonly labels: readonly number[];
  readonly loss: number;
  readonly logits: readonly number[];
  readonly grad: Readonly<Record<string, readonly [l2: number, dot: number, first: number, last: number]>>;
  readonly grad_input?: Digest;
  readonly after?: Readonly<Record<string, readonly [l2: number, dot: number]>>;
  readonly torch_float32?: Readonly<Record<string, number>>;
}

/** A network fixture, as far as it is read. */
export interface NetworkFixture {
  readonly format: string;
  readonly family: string;
  readonly constructor: Readonly<Record<string, unknown>>;
  readonly input: Drawn;
  readonly recipe: Recipe;
  readonly params: number;
  readonly state: readonly StateEntry[];
  readonly state_crc32: string;
  readonly bn: readonly { readonly eps: number; readonly momentum: number }[];
  readonly macs: { readonly per_image: { readonly total: number } };
  readonly logits_shape: readonly number[];
  readonly logits: readonly number[];
  readonly stages: readonly (Digest & { readonly name: string })[];
  readonly train?: GradientSet;
  readonly grad_eval?: GradientSet;
}

function digest({ shape, data }: Tensor): Digest {
  let [sum, squares] = [0, 0];
  for (const x of data) {
    sum += x;
    squares += x * x;
  }
  const mean = sum / data.length;
  return {
    shape,
    mean,
    std: Math.sqrt(Math.max(0, squares / data.length - mean * mean)),
    l2: Math.sqrt(squares),
    first: [...data.subarray(0, 8)],
  };
}

function expectDigest(what: string, tensor: Tensor, needed: Digest, tolerance: number): void {
  const found = digest(tensor);
  expect(size(found.shape) === size(needed.shape), () => `${what}: ${size(found.shape)} elements, needed ${size(needed.shape)}`);
  // Means may vanish, so the size of an element (root mean square) sets the scale of all but the norm.
  const scale = needed.l2 / Math.sqrt(size(needed.shape));
  expectNear(what, [found.l2], [needed.l2], { tolerance });
  for (const moment of ["mean", "std"] as const) expectNear(`${what} (${moment})`, [found[moment]], [needed[moment]], { tolerance, scale });
  expectNear(`${what} (first elements)`, found.first.slice(0, needed.first.length), needed.first, { tolerance: 10 * tolerance, scale });
}

/** The value that a module of the reference gives: the last one computed in our scope of that place. */
function stageValue(graph: Graph, scope: string): Value | undefined {
  return graph.nodes.findLast((node) => node.scope === scope || node.scope.startsWith(`${scope}.`))?.outputs[0];
}

interface Prepared {
  readonly fixture: NetworkFixture;
  readonly counterpart: Counterpart;
  readonly weights: Tensors;
}

function prepare(fixture: NetworkFixture): Prepared {
  const counterpart = counterpartOf(fixture.family, fixture.constructor);
  const tensors = fixture.state.map((entry) => drawState(entry, fixture.recipe));
  const checksum = stateChecksum(fixture.state, tensors);
  expect(checksum === fixture.state_crc32, () => `state_crc32: ${checksum}, needed ${fixture.state_crc32}`);
  const weights = new Map<string, Tensor>();
  for (const [i, [name]] of fixture.state.entries()) {
    const ours = counterpart.names.fromReference({ name, shape: tensors[i].shape });
    expect(!weights.has(ours.name), () => `state: two tensors of the fixture are our "${ours.name}"`);
    weights.set(ours.name, { shape: ours.shape, data: tensors[i].data });
  }
  return { fixture, counterpart, weights };
}

function build({ counterpart }: Prepared, { shape }: Drawn, isTraining: boolean): Graph {
  const [batch, channels, height, width] = shape;
  return buildNetwork(counterpart.network, { ...counterpart.options, batch, channels, size: [height, width], dropout: 0, isTraining });
}

/** Replays a network: counts, names, stages, logits, gradient sets. Throws Mismatch at the first difference. */
export async function replayNetwork(fixture: NetworkFixture, backend: Backend, tolerances: Tolerances): Promise<void> {
  const prepared = prepare(fixture);
  const { weights } = prepared;
  const graph = build(prepared, fixture.input, false);
  expectState(graph, new Map([...weights].map(([name, { shape }]) => [name, shape])));
  expect(countParams(graph) === fixture.params, () => `parameters: ${countParams(graph)}, needed ${fixture.params}`);
  const macs = countMacs(graph) / fixture.input.shape[0];
  expect(macs === fixture.macs.per_image.total, () => `MACs: ${macs}, needed ${fixture.macs.per_image.total}`);
  expectNormalisation(build(prepared, fixture.input, true), fixture);
  await replayInference(prepared, graph, backend, tolerances);
  for (const name of ["train", "grad_eval"] as const) {
    const set = fixture[name];
    if (set) await replayGradients(prepared, name, set, backend, tolerances);
  }
}

function expectNormalisation(graph: Graph, { bn }: NetworkFixture): void {
  const attributes = graph.nodes.map((node) => node.attrs as { eps?: number; momentum?: number });
  const found = attributes
    .filter(({ eps, momentum }) => eps !== undefined && momentum !== undefined)
    .map(({ eps, momentum }) => `eps ${eps}, momentum ${momentum}`);
  const needed = bn.map(({ eps, momentum }) => `eps ${eps}, momentum ${momentum}`);
  const list = (texts: readonly string[]): string => [...new Set(texts)].sort().join("; ") || "none";
  expect(list(found) === list(needed), () => `normalisation: ${list(found)}, needed ${list(needed)}`);
}

async function replayInference(
  { fixture, counterpart, weights }: Prepared,
  graph: Graph,
  backend: Backend,
  { logits: tolerance }: Tolerances,
): Promise<void> {
  const inputs = { image: draw(fixture.input) };
  const stages = fixture.stages.flatMap((stage) => {
    const scope = counterpart.names.scopeOf(stage.name);
    const value = scope === undefined ? undefined : stageValue(graph, scope);
    return value ? [{ stage, value }] : [];
  });
  const observed = withOutputs(graph, Object.fromEntries(stages.map(({ stage, value }) => [`stage.${stage.name}`, value])));
  await runOnce(backend, observed, weights, inputs, ({ outputs }) => {
    for (const { stage } of stages) expectDigest(`stage ${stage.name}`, outputs[`stage.${stage.name}`], stage, tolerance);
    expectNear("logits", outputs.logits.data, fixture.logits, { tolerance });
  });
  const inference = optimise(graph, weights);
  await runOnce(backend, inference.graph, inference.weights, inputs, ({ outputs }) => {
    expectShape("logits", outputs.logits.shape, fixture.logits_shape);
    expectNear("logits of the optimised graph", outputs.logits.data, fixture.logits, { tolerance });
  });
}

function withLoss(graph: Graph, isTraining: boolean): Graph {
  const g = extendScope(graph, { isTraining });
  const { logits } = graph.outputs;
  g.output("loss", softmaxCrossEntropy(g, [logits, g.input("target", logits.shape)], { smoothing: 0 }));
  return g.finish();
}

function oneHot(labels: readonly number[], classes: number): Tensor {
  const data = new Float32Array(labels.length * classes);
  for (const [i, label] of labels.entries()) data[i * classes + label] = 1;
  return { shape: [labels.length, classes], data };
}

/** The norm, and the sum of g_i · s_i with the stream of that name. */
function projections(name: string, data: Float32Array): { l2: number; dot: number } {
  const stream = streamOf(`dot:${name}`);
  let [squares, dot] = [0, 0];
  for (let i = 0; i < data.length; i++) {
    squares += data[i] * data[i];
    dot += data[i] * stream(i);
  }
  return { l2: Math.sqrt(squares), dot };
}

async function replayGradients(
  prepared: Prepared,
  which: string,
  set: GradientSet,
  backend: Backend,
  tolerances: Tolerances,
): Promise<void> {
  const isTraining = set.mode === "train";
  const graph = withLoss(build(prepared, set.input, isTraining), isTraining);
  const image = leavesOf(graph, "input")[0];
  const gradients = withGradients(graph, image, {});
  const inputs = { image: draw(set.input), target: oneHot(set.labels, graph.outputs.logits.shape[1]) };
  /** Three times what PyTorch's own float32 run is off, but not less than the backend's tolerance; float64 has its own. */
  const allowed = (...figures: string[]): number =>
    tolerances.isFloat32
      ? Math.max(tolerances.gradients, ...figures.map((figure) => 3 * (set.torch_float32?.[figure] ?? 0)))
      : tolerances.gradients;
  await runOnce(backend, gradients.graph, prepared.weights, inputs, (ran) => {
    expectNear(`${which}: loss`, ran.outputs.loss.data, [set.loss], { tolerance: allowed() });
    expectNear(`${which}: logits`, ran.outputs.logits.data, set.logits, { tolerance: allowed("logits_max_err") });
    const tolerance = {
      norm: allowed("grad_norm_rel_err", "grad_vector_rel_err"),
      dot: allowed("grad_dot_err_over_norm", "grad_vector_rel_err"),
    };
    expectGradients(prepared, which, set, (leaf) => gradients.of(ran, leaf).data, graph, tolerance);
    if (set.grad_input) {
      const found = digest(gradients.of(ran, image));
      expectNear(`${which}: gradient of the input`, [found.l2], [set.grad_input.l2], { tolerance: tolerance.norm });
      expectNear(`${which}: gradient of the input (first)`, found.first, set.grad_input.first, {
        tolerance: tolerance.norm,
        scale: set.grad_input.l2,
      });
    }
    expectStatistics(prepared, which, set, ran, tolerances.logits);
  });
}

function expectGradients(
  { counterpart }: Prepared,
  which: string,
  set: GradientSet,
  gradient: (leaf: Value) => Float32Array,
  graph: Graph,
  tolerance: { readonly norm: number; readonly dot: number },
): void {
  const leaves = leavesOf(graph, "parameter");
  expect(
    Object.keys(set.grad).length === leaves.length,
    () => `${which}: gradients of ${Object.keys(set.grad).length} parameters, we have ${leaves.length}`,
  );
  // What vanishes identically is stored as rounding noise: the largest norm sets what a small difference is.
  const scale = 1e-3 * Math.max(...Object.values(set.grad).map(([l2]) => l2));
  for (const leaf of leaves.toReversed()) {
    const { name } = counterpart.names.toReference({ name: leaf.name as string, shape: leaf.shape });
    const needed = set.grad[name];
    if (!needed) throw new Mismatch(`${which}: no gradient of "${name}" in the fixture`);
    const [l2, dot, first, last] = needed;
    const data = gradient(leaf);
    const found = projections(name, data);
    const range = Math.max(l2, scale);
    const place = `${which}: gradient of ${name}`;
    expectNear(`${place} (norm ${show(found.l2)}, needed ${show(l2)})`, [found.l2], [l2], { tolerance: tolerance.norm, scale: range });
    expectNear(`${place} (projection)`, [found.dot], [dot], { tolerance: tolerance.dot, scale: range });
    expectNear(`${place} (ends)`, [data[0], data[data.length - 1]], [first, last], { tolerance: tolerance.dot, scale: range });
  }
}

function expectStatistics({ counterpart }: Prepared, which: string, set: GradientSet, ran: Ran, tolerance: number): void {
  for (const [name, [l2, dot]] of Object.entries(set.after ?? {})) {
    const ours = counterpart.names.fromReference({ name, shape: [] }).name;
    const found = projections(name, ran.read(ours).data);
    expectNear(`${which}: ${name} afterwards`, [found.l2, found.dot], [l2, dot], { tolerance });
  }
}
