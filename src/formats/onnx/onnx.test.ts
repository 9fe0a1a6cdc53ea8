import assert from "node:assert/strict";
import { test } from "node:test";
import * as ort from "onnxruntime-web";
import { referenceBackend } from "../../backends/reference/index.ts";
import { OptionError } from "../../core/errors.ts";
import { random } from "../../core/random.ts";
import { size } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";
import type { Graph } from "../../ir/graph.ts";
import { graphScope } from "../../ir/scope.ts";
import { buildNetwork, networks } from "../../networks/index.ts";
import { fittingWidth } from "../../networks/networks.testing.ts";
import { ops } from "../../ops/index.ts";
import { optimise } from "../../passes/index.ts";
import { encodeGraphAsOnnx } from "./encode.ts";

ort.env.wasm.numThreads = 1;

/** Weights that keep activations of every network alive, but make little of a rounding: weights by fan-in, the rest near where it starts. */
function lively(graph: Graph): Map<string, Tensor> {
  const weights = new Map<string, Tensor>();
  for (const { kind, name = "", shape, init } of graph.leaves) {
    if (kind !== "parameter" && kind !== "state") continue;
    const stream = random(1, name);
    const gain = shape.length > 1 ? 0.7 * Math.sqrt(6 / size(shape.slice(1))) : 0.2;
    const middle = init?.kind === "constant" ? init.value : 0;
    weights.set(name, { shape, data: Float32Array.from({ length: size(shape) }, (_, i) => middle + gain * (2 * stream.uniform(i) - 1)) });
  }
  return weights;
}

function image(shape: readonly number[]): Tensor {
  const stream = random(2, "image");
  return { shape, data: Float32Array.from({ length: size(shape) }, (_, i) => 3 * stream.uniform(i) - 1.5) };
}

async function expectSame(graph: Graph, weights: Map<string, Tensor>, model: Uint8Array): Promise<void> {
  const input = graph.leaves.find((leaf) => leaf.kind === "input");
  assert.ok(input);
  const given = image(input.shape);
  using ours = await referenceBackend.open(graph, weights);
  const expected = ours.run({ [input.name as string]: given });
  const theirs = await ort.InferenceSession.create(model);
  const results = await theirs.run({ [input.name as string]: new ort.Tensor("float32", given.data, [...given.shape]) });
  await theirs.release();
  for (const [name, { shape, data }] of Object.entries(expected)) {
    assert.deepEqual([...results[name].dims], [...shape]);
    const found = results[name].data as Float32Array;
    const most = data.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
    const worst = data.reduce((max, x, i) => Math.max(max, Math.abs(x - found[i])), 0);
    assert.ok(most > 1e-3, `${name} is all but zero: the comparison would say nothing`);
    assert.ok(worst <= 1e-4 * most, `${name}: off by ${worst} of ${most}`);
  }
}

for (const network of Object.values(networks).filter(({ scaledFrom }) => scaledFrom === undefined)) {
  for (const padding of ["symmetrical", "tensorflow"] as const) {
    test(`${network.name} (${padding}) gives the same logits in onnxruntime, as built and optimised`, async () => {
      const graph = buildNetwork(network, { size: [66, 50], width: fittingWidth(network, 0.25), classes: 11, batch: 2, padding });
      const weights = lively(graph);
      await expectSame(graph, weights, encodeGraphAsOnnx(graph, weights));
      const fast = optimise(graph, weights);
      await expectSame(graph, weights, encodeGraphAsOnnx(fast.graph, fast.weights));
    });
  }
}

test("ops that no network uses yet: average pooling, SiLU, sigmoid, softmax, normScale", async () => {
  const g = graphScope();
  const x = g.input("image", [2, 4, 7, 5]);
  const window = { kernel: [3, 2], stride: [2, 1], padding: [1, 0, 0, 1] } as const;
  g.output("counted", ops.averagePool(g, [ops.silu(g, [x], {})], { ...window, countsPadding: true }));
  g.output("uncounted", ops.averagePool(g, [ops.sigmoid(g, [x], {})], { ...window, countsPadding: false }));
  g.output("probabilities", ops.softmax(g, [ops.reshape(g, [x], { shape: [2, 140] })], {}));
  const variance = g.state("running_var", [4], { kind: "constant", value: 1 });
  g.output("scale", ops.normScale(g, [g.parameter("norm.weight", [4], { kind: "constant", value: 1 }), variance], { eps: 1e-3 }));
  const graph = g.finish();
  const weights = lively(graph);
  await expectSame(graph, weights, encodeGraphAsOnnx(graph, weights));
});

for (const similarity of ["l1", "mitchell"] as const) {
  test(`convolutions and linear layers of ${similarity} are composed of standard operators`, async () => {
    const g = graphScope();
    const x = g.input("image", [2, 6, 7, 5]);
    const weight = (name: string, shape: readonly number[]) => g.parameter(`${name}.weight`, shape, { kind: "normal", std: 1 });
    const bias = (name: string, out: number) => g.parameter(`${name}.bias`, [out], { kind: "constant", value: 0 });
    const padded = { stride: [2, 1], padding: [1, 0, 2, 1], groups: 2, similarity } as const;
    g.output("grouped", ops.conv2d(g, [x, weight("grouped", [4, 3, 3, 2]), bias("grouped", 4)], padded));
    const plain = { stride: [1, 1], padding: [0, 0, 0, 0], groups: 6, similarity } as const;
    g.output("depthwise", ops.conv2d(g, [x, weight("depthwise", [6, 1, 3, 3])], plain));
    const features = ops.reshape(g, [x], { shape: [2, 210] });
    g.output("linear", ops.linear(g, [features, weight("linear", [3, 210]), bias("linear", 3)], { similarity }));
    const graph = g.finish();
    const weights = lively(graph);
    await expectSame(graph, weights, encodeGraphAsOnnx(graph, weights));
  });
}

test("the file names its maker, its operator set and what it was told", () => {
  const graph = buildNetwork("mobilenet-v1", { size: 32, width: 0.1, classes: 2 });
  const text = Buffer.from(encodeGraphAsOnnx(graph, lively(graph), { metadata: { labels: '["Ärmel"]' } })).toString("utf8");
  for (const part of ["goldcrest", "labels", '["Ärmel"]', "image", "logits"]) assert.ok(text.includes(part), part);
});

test("an op of training is refused by name", () => {
  const graph = buildNetwork("mobilenet-v1", { size: 64, width: 0.1, isTraining: true });
  assert.throws(
    () => encodeGraphAsOnnx(graph, lively(graph)),
    (error: unknown) =>
      error instanceof OptionError && /"batchNormTrain" at "features.init_block.bn" cannot be said in ONNX/.test(error.message),
  );
});

test("a missing weight is refused by name", () => {
  const graph = buildNetwork("mobilenet-v1", { size: 32, width: 0.1 });
  assert.throws(() => encodeGraphAsOnnx(graph, new Map()), /no weight "features.init_block.conv.weight" for the ONNX model/);
});
