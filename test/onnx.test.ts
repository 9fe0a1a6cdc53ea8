/** Networks of every kind go out as ONNX, give the same logits in another engine, and come back as they went. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as ort from "onnxruntime-node";
import { wasmBackend } from "../src/backends/wasm/index.ts";
import { random } from "../src/core/random.ts";
import { size } from "../src/core/shape.ts";
import type { Tensor } from "../src/core/tensor.ts";
import { encodeGraphAsOnnx } from "../src/formats/onnx/encode.ts";
import { readOnnx } from "../src/formats/onnx/read/index.ts";
import type { Graph } from "../src/ir/graph.ts";
import { activationKeys } from "../src/model/integerForm.ts";
import type { Model } from "../src/model/model.ts";
import { modelGraph } from "../src/model/modelGraph.ts";
import { modelFromOnnx, modelToOnnx } from "../src/model/onnxModel.ts";
import { runnable } from "../src/model/runnable.ts";
import { fold, optimise } from "../src/passes/index.ts";
import { removeDead } from "../src/passes/removeDead.ts";
import { type Batches, calibrate } from "../src/quantize/calibrate.ts";
import { chooseRange } from "../src/quantize/histogram.ts";
import { quantizeGraph } from "../src/quantize/quantize.ts";
import { inferenceNetwork, representatives, smallModel } from "./lib/smallNetworks.ts";

/** Images that ranges are chosen from. */
const CALIBRATION = 8;
const SIDE = 32;

function noise(shape: readonly number[], what: string): Tensor {
  const stream = random(3, what);
  return { shape, data: Float32Array.from({ length: size(shape) }, (_, i) => 3 * stream.uniform(i) - 1.5) };
}

/** Of the largest logit. */
const ALLOWED = 1e-4;

function imageOf(graph: Graph): { readonly name: string; readonly image: Tensor } {
  const { name = "", shape } = graph.leaves.find(({ kind }) => kind === "input") as Graph["leaves"][number];
  return { name, image: noise(shape, "image") };
}

async function ours(graph: Graph, weights: ReadonlyMap<string, Tensor>): Promise<Float32Array> {
  const { name, image } = imageOf(graph);
  const optimised = optimise(graph, weights);
  using session = await wasmBackend.open(optimised.graph, optimised.weights);
  return session.run({ [name]: image }).logits.data;
}

async function theirs(file: Uint8Array, graph: Graph): Promise<Float32Array> {
  const { name, image } = imageOf(graph);
  const session = await ort.InferenceSession.create(file, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  try {
    const { logits } = await session.run({ [name]: new ort.Tensor("float32", image.data, [...image.shape]) });
    return logits.data as Float32Array;
  } finally {
    await session.release();
  }
}

function assertSame(found: ArrayLike<number>, wanted: Float32Array, what: string): void {
  const most = wanted.reduce((largest, x) => Math.max(largest, Math.abs(x)), 0);
  const worst = wanted.reduce((largest, x, i) => Math.max(largest, Math.abs(x - found[i])), 0);
  assert.ok(most > 1e-3, "the logits are all but zero: the comparison would say nothing");
  assert.equal(found.length, wanted.length);
  assert.ok(worst <= ALLOWED * most, `${what}: off by ${worst} of ${most}`);
}

/** How often each op stands in a graph, as it runs. */
function census({ graph, weights }: { graph: Graph; weights: ReadonlyMap<string, Tensor> }): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { op } of optimise(graph, weights).graph.nodes) counts[op.name] = (counts[op.name] ?? 0) + 1;
  return Object.fromEntries(Object.entries(counts).sort());
}

/** Each small network as a model, calibrated on one batch of noise. */
async function quantised(name: string): Promise<{ readonly floats: Model; readonly integers: Model }> {
  const floats = smallModel(name);
  const folded = fold(modelGraph(floats, CALIBRATION), floats.weights);
  const { name: input = "", shape } = folded.graph.leaves.find(({ kind }) => kind === "input") as Graph["leaves"][number];
  const batches: Batches = async function* () {
    yield { [input]: noise(shape, "calibration") };
  };
  const observations = await calibrate({ ...folded, batches, backend: wasmBackend });
  const ranges = new Map([...observations].map(([value, { distribution }]) => [value, chooseRange(distribution, "minmax")]));
  const { weights } = quantizeGraph(folded, ranges);
  const record = [...activationKeys(folded.graph)].map(([key, value]) => {
    const { low = 0, high = 0 } = ranges.get(value) ?? {};
    return [key, [low, high]] as const;
  });
  return {
    floats,
    integers: { ...floats, weights, quantisation: { method: "minmax", images: CALIBRATION, ranges: Object.fromEntries(record) } },
  };
}

async function logitsOf(model: Model, images: readonly Tensor[]): Promise<readonly Float32Array[]> {
  const { graph, weights } = runnable(model);
  using session = await wasmBackend.open(graph, weights);
  return images.map((image) => session.run({ image }).logits.data.slice());
}

const top = (logits: ArrayLike<number>): number => Array.from(logits).reduce((best, x, i) => (x > logits[best] ? i : best), 0);

for (const name of representatives) {
  test(`${name}: out, elsewhere and back`, async () => {
    const { graph, weights } = inferenceNetwork(name, { batch: 1 });
    const file = encodeGraphAsOnnx(graph, weights);
    const wanted = await ours(graph, weights);
    assertSame(await theirs(file, graph), wanted, "in onnxruntime");
    const back = readOnnx(file);
    assertSame(await ours(back.graph, back.weights), wanted, "come back");
    if (!census({ graph, weights }).dynamicShiftMax)
      assert.deepEqual(census({ ...back, graph: removeDead(back.graph) }), census({ graph, weights }), "ops");
  });

  // With weights of no meaning, roundings one way or the other add up from layer to layer: as much may differ as integers do from floats.
  test(`${name}: out in integers, elsewhere and back`, async () => {
    const { floats, integers } = await quantised(name);
    const file = await modelToOnnx(integers);
    const images = Array.from({ length: 4 }, (_, i) => noise([1, 3, SIDE, SIDE], `image ${i}`));
    const [wanted, exact] = [await logitsOf(integers, images), await logitsOf(floats, images)];
    const apart = (a: readonly Float32Array[], b: readonly Float32Array[]): number =>
      Math.max(...a.flatMap((logits, image) => [...logits].map((x, i) => Math.abs(x - b[image][i]))));
    const most = Math.max(...wanted.flatMap((logits) => [...logits].map(Math.abs)));
    const allowed = 2 * apart(wanted, exact) + most / 50;
    const session = await ort.InferenceSession.create(file, { intraOpNumThreads: 1, logSeverityLevel: 3 });
    const found: Float32Array[] = [];
    for (const { shape, data } of images) {
      const { logits } = await session.run({ image: new ort.Tensor("float32", data, [...shape]) });
      found.push(logits.data as Float32Array);
    }
    await session.release();
    const back = modelFromOnnx(readOnnx(file)).model;
    const returned = await logitsOf(back, images);
    for (const [where, logits] of Object.entries({ elsewhere: found, back: returned })) {
      assert.ok(
        apart(logits, wanted) <= allowed,
        `${where}: off by ${apart(logits, wanted)} of ${most}, integers from floats by ${apart(wanted, exact)}`,
      );
      for (const [image, row] of wanted.entries()) {
        const [first, second] = [...row].sort((a, b) => b - a);
        if (first - second > 2 * allowed) assert.equal(top(logits[image]), top(row), `${where}: the label of image ${image}`);
      }
    }
  });
}
