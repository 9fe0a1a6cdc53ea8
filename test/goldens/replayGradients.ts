import type { Tensor } from "../../src/core/tensor.ts";
import type { Backend } from "../../src/engine/session.ts";
import { type Graph, leavesOf, type Value } from "../../src/ir/graph.ts";
import { extendScope } from "../../src/ir/scope.ts";
import { softmaxCrossEntropy } from "../../src/ops/softmaxCrossEntropy.ts";
import { expect, expectNear, Mismatch, show, type Tolerances } from "./compare.ts";
import { build, digest, type GradientSet, type Prepared } from "./networkFixture.ts";
import { draw, streamOf } from "./recipe.ts";
import { type Gradients, type Ran, runOnce, withGradients } from "./run.ts";

/** Perturbed runs that show how well conditioned a gradient is. */
const PROBES = 4;
/** A gradient that one rounding of the input moves by more says nothing. */
const MOST_SENSITIVITY = 0.05;

interface Pass {
  readonly prepared: Prepared;
  /** "train" or "grad_eval", for reports. */
  readonly which: string;
  readonly set: GradientSet;
  readonly graph: Graph;
  readonly image: Value;
  readonly gradients: Gradients;
}

interface GradientTolerance {
  readonly norm: number;
  readonly dot: number;
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

function norm(data: Float32Array): number {
  return Math.sqrt(data.reduce((sum, x) => sum + x * x, 0));
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

/**
 * Replays one gradient set. Returns a remark where the gradients needed more than their tolerance because they are ill-conditioned in float32
 * (inputs of ReLU within rounding of zero): then the change under a rounding of the input, measured here, says how close they can be.
 */
export async function replayGradients(
  prepared: Prepared,
  which: "train" | "grad_eval",
  set: GradientSet,
  backend: Backend,
  tolerances: Tolerances,
): Promise<string | undefined> {
  const isTraining = set.mode === "train";
  const graph = withLoss(build(prepared, set.input, isTraining), isTraining);
  const image = leavesOf(graph, "input")[0];
  const pass: Pass = { prepared, which, set, graph, image, gradients: withGradients(graph, image, {}) };
  const inputs = { image: draw(set.input), target: oneHot(set.labels, graph.outputs.logits.shape[1]) };
  /** Three times what PyTorch's own float32 run is off, but not less than the backend's tolerance; float64 has its own. */
  const allowed = (...figures: string[]): number =>
    Math.max(tolerances.gradients, ...(tolerances.isFloat32 ? figures.map((figure) => 3 * (set.torch_float32?.[figure] ?? 0)) : []));
  const tolerance = {
    norm: allowed("grad_norm_rel_err", "grad_vector_rel_err"),
    dot: allowed("grad_dot_err_over_norm", "grad_vector_rel_err"),
  };
  return runOnce(backend, pass.gradients.graph, prepared.weights, inputs, (ran) => {
    expectNear(`${which}: loss`, ran.outputs.loss.data, [set.loss], { tolerance: allowed() });
    expectNear(`${which}: logits`, ran.outputs.logits.data, set.logits, { tolerance: allowed("logits_max_err") });
    expectStatistics(pass, ran, tolerances.logits);
    try {
      expectGradients(pass, ran, tolerance);
      return undefined;
    } catch (mismatch) {
      if (!(mismatch instanceof Mismatch) || !tolerances.isFloat32) throw mismatch;
      const sensitivity = sensitivityOf(pass, ran, inputs);
      if (!(sensitivity <= MOST_SENSITIVITY)) throw mismatch;
      const widened = 3 * sensitivity;
      expectGradients(pass, ran, { norm: Math.max(tolerance.norm, widened), dot: Math.max(tolerance.dot, widened) });
      return `${which} gradients compared to ${show(widened)}: one rounding of the input moves them by ${show(sensitivity)}`;
    }
  });
}

/** The largest relative change of a parameter's gradient when each pixel moves by one rounding. */
function sensitivityOf({ graph, gradients, prepared, set }: Pass, ran: Ran, inputs: Readonly<Record<"image" | "target", Tensor>>): number {
  const floor = floorOf(set);
  const leaves = leavesOf(graph, "parameter");
  let most = 0;
  for (let probe = 0; probe < PROBES; probe++) {
    const stream = streamOf(`probe ${probe}: ${prepared.fixture.family}`);
    const data = inputs.image.data.map((x, i) => x * (1 + Math.sign(stream(i)) * 2 ** -23));
    const outputs = ran.again({ ...inputs, image: { shape: inputs.image.shape, data } });
    for (const leaf of leaves) {
      const [before, moved] = [gradients.of(ran, leaf).data, gradients.of({ outputs }, leaf).data];
      const change = norm(moved.map((x, i) => x - before[i]));
      most = Math.max(most, change / Math.max(norm(before), floor));
    }
  }
  return most;
}

function expectGradients({ prepared, which, set, graph, image, gradients }: Pass, ran: Ran, tolerance: GradientTolerance): void {
  const leaves = leavesOf(graph, "parameter");
  expect(
    Object.keys(set.grad).length === leaves.length,
    () => `${which}: gradients of ${Object.keys(set.grad).length} parameters, we have ${leaves.length}`,
  );
  const floor = floorOf(set);
  for (const leaf of leaves.toReversed()) {
    const { name } = prepared.counterpart.names.toReference({ name: leaf.name as string, shape: leaf.shape });
    const needed = set.grad[name];
    if (!needed) throw new Mismatch(`${which}: no gradient of "${name}" in the fixture`);
    const [l2, dot, first, last] = needed;
    const { data } = gradients.of(ran, leaf);
    const found = projections(name, data);
    const range = Math.max(l2, floor);
    const place = `${which}: gradient of ${name}`;
    expectNear(`${place} (norm ${show(found.l2)}, needed ${show(l2)})`, [found.l2], [l2], { tolerance: tolerance.norm, scale: range });
    expectNear(`${place} (projection)`, [found.dot], [dot], { tolerance: tolerance.dot, scale: range });
    expectNear(`${place} (ends)`, [data[0], data[data.length - 1]], [first, last], { tolerance: tolerance.dot, scale: range });
  }
  if (!set.grad_input) return;
  const found = digest(gradients.of(ran, image));
  const { l2, first } = set.grad_input;
  expectNear(`${which}: gradient of the input`, [found.l2], [l2], { tolerance: tolerance.norm });
  expectNear(`${which}: gradient of the input (first elements)`, found.first, first, { tolerance: tolerance.norm, scale: l2 });
}

/** What vanishes identically is stored as rounding noise: the largest norm sets what a small difference is. */
function floorOf({ grad }: GradientSet): number {
  return 1e-3 * Math.max(...Object.values(grad).map(([l2]) => l2));
}

function expectStatistics({ prepared: { counterpart }, which, set }: Pass, ran: Ran, tolerance: number): void {
  for (const [name, [l2, dot]] of Object.entries(set.after ?? {})) {
    const ours = counterpart.names.fromReference({ name, shape: [] }).name;
    const found = projections(name, ran.read(ours).data);
    expectNear(`${which}: ${name} afterwards`, [found.l2, found.dot], [l2, dot], { tolerance });
  }
}
