/** A network that comes from a file is a model like any other: stored, run, in batches, in integers, compiled. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as ort from "onnxruntime-node";
import { smallModel } from "../../test/lib/smallNetworks.ts";
import { referenceBackend } from "../backends/reference/index.ts";
import { FormatError, OptionError } from "../core/errors.ts";
import type { Dataset } from "../data/dataset.ts";
import { openFashionMnist } from "../data/fashionMnist.node.ts";
import { normaliseTable, writeNormalised } from "../data/normalise.ts";
import { preprocessingFor } from "../data/preprocessing.ts";
import { splitDataset } from "../data/split.ts";
import { compileToFiles } from "../deploy/compileModel.node.ts";
import { openRunner } from "../deploy/loader.ts";
import { fileOf, numbers, type TestFile } from "../formats/onnx/read/files.testing.ts";
import { readOnnx } from "../formats/onnx/read/index.ts";
import { staticCost } from "../profile/staticCost.ts";
import { recipe } from "../train/recipe.ts";
import { openClassifier } from "./classifier.ts";
import { fitNetwork } from "./fitNetwork.ts";
import { loadModel, type Model, saveModel } from "./model.ts";
import { modelGraph } from "./modelGraph.ts";
import { modelFromOnnx, modelToOnnx } from "./onnxModel.ts";
import { quantizeModel } from "./quantizeModel.ts";
import { runnable } from "./runnable.ts";

let data: Dataset;
let own: Model;
let imported: Model;

before(async () => {
  data = await openFashionMnist({ part: "embedded" });
  const parts = splitDataset(data, { validation: 0.1 });
  const preprocessing = preprocessingFor({ size: 28, channels: 1, fit: "crop" });
  const network = { network: "mobilenet-v1", options: { width: 0.25, isSmallImage: false } };
  const all = { ...parts, test: new Uint32Array() };
  own = (await fitNetwork({ ...network, data, parts: all, preprocessing, recipe: recipe("small", { epochs: 2 }) })).model;
  imported = modelFromOnnx(readOnnx(await modelToOnnx(own))).model;
});

/** Logits of a model's file for images of the data. */
async function logitsOf(model: Model, indices: readonly number[]): Promise<readonly Float64Array[]> {
  using classifier = await openClassifier(await loadModel(await saveModel(model)));
  const rows: Float64Array[] = [];
  for (const index of indices) rows.push(classifier.logits(await data.pixels(index, model.preprocessing)).slice());
  return rows;
}

const top = (logits: ArrayLike<number>): number => Array.from(logits).reduce((best, x, i) => (x > logits[best] ? i : best), 0);

/** Labels that onnxruntime names. */
async function labelsElsewhere(file: Uint8Array, { preprocessing }: Model, indices: readonly number[]): Promise<readonly number[]> {
  const session = await ort.InferenceSession.create(file, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  const { size, channels } = preprocessing;
  const shape = [1, channels, size, size];
  const image = { shape, strides: [channels * size * size, size * size, size, 1], data: new Float32Array(channels * size * size) };
  const labels: number[] = [];
  for (const index of indices) {
    writeNormalised(image, 0, await data.pixels(index, preprocessing), size, channels, normaliseTable(preprocessing));
    const { logits } = await session.run({ image: new ort.Tensor("float32", image.data, shape) });
    labels.push(top(logits.data as Float32Array));
  }
  await session.release();
  return labels;
}

test("labels and preprocessing come back, and the file's logits are those of the model that went", async () => {
  assert.deepEqual([imported.labels, imported.preprocessing, imported.network], [own.labels, own.preprocessing, own.network]);
  assert.equal(modelFromOnnx(readOnnx(await modelToOnnx(own))).notes.length, 0);
  const [found, wanted] = [await logitsOf(imported, [1, 2, 3]), await logitsOf(own, [1, 2, 3])];
  for (const [i, row] of wanted.entries()) {
    const most = Math.max(...row.map(Math.abs));
    for (const [k, logit] of row.entries()) assert.ok(Math.abs(found[i][k] - logit) <= 1e-5 * most, `image ${i}, logit ${k}`);
  }
});

test("it costs what the network costs that it was", () => {
  const [found, wanted] = [staticCost(modelGraph(imported)), staticCost(modelGraph(own))];
  assert.deepEqual([found.macs, found.adds, found.peakBytes], [wanted.macs, wanted.adds, wanted.peakBytes]);
});

for (const name of ["shufflenet-v2", "efficientnet-b0", "micronet-m0", "channelnet-v1"]) {
  test(`${name}: three images a run are three runs of one`, async () => {
    const { model } = modelFromOnnx(readOnnx(await modelToOnnx(smallModel(name))));
    const [one, three] = [runnable(model), runnable(model, 3)];
    const images = { shape: [3, 3, 32, 32], data: numbers(name, 3, 3, 32, 32).data };
    using many = await referenceBackend.open(three.graph, three.weights);
    const { logits } = many.run({ image: images });
    using single = await referenceBackend.open(one.graph, one.weights);
    const rows = [0, 1, 2].flatMap((i) => {
      const image = { shape: [1, 3, 32, 32], data: images.data.slice(i * 3072, (i + 1) * 3072) };
      return [...single.run({ image }).logits.data];
    });
    assert.deepEqual([...logits.data], rows);
  });
}

test("it is quantised, stored in integers, and named alike by onnxruntime in integers", async () => {
  const quantised = (await quantizeModel(imported, data, { images: 64, method: "mse" })).model;
  const indices = Array.from({ length: 200 }, (_, i) => i);
  const here = (await logitsOf(quantised, indices)).map(top);
  const there = await labelsElsewhere(await modelToOnnx(quantised), quantised, indices);
  const alike = here.filter((label, i) => label === there[i]).length;
  // Ties that are rounded one way or the other leave few images between two labels.
  assert.ok(alike >= 195, `${alike} of ${indices.length} alike`);
  await assert.rejects(
    modelToOnnx(quantised, "float32"),
    (error) => error instanceof OptionError && /asked for is float32/.test(error.message),
  );
  await assert.rejects(modelToOnnx(own, "int8"), (error) => error instanceof OptionError && /quantise it first/.test(error.message));
});

test("it compiles to a file that gives its bits", async () => {
  const { graph, weights } = runnable(imported);
  const { files } = await compileToFiles("net", graph, weights, imported, {});
  const runner = await openRunner(files["net.wasm"] as Uint8Array<ArrayBuffer>);
  const pixels = await data.pixels(7, imported.preprocessing);
  runner.write(0, pixels);
  runner.runInPlace();
  const { data: found, strides } = runner.view("logits");
  const [wanted] = await logitsOf(imported, [7]);
  assert.deepEqual(
    imported.labels.map((_, i) => found[i * strides[1]]),
    [...wanted],
  );
});

test("images of another size than the network's are refused", () => {
  const larger = { ...imported, preprocessing: { ...imported.preprocessing, size: 32 } };
  assert.throws(() => modelGraph(larger), /made for images \[1, 1, 28, 28\], asked for \[1, 1, 32, 32\]/);
});

test("a file whose graph or weights were changed is refused", async () => {
  const refusedAs = async (model: Model, reason: RegExp): Promise<void> => {
    const file = await saveModel(model);
    await assert.rejects(loadModel(file, "m"), (error) => error instanceof FormatError && reason.test(error.message));
  };
  const graph = imported.graph as NonNullable<Model["graph"]>;
  await refusedAs({ ...imported, graph: { ...graph, nodes: graph.nodes.slice(1) } }, /^m: |^mobilenet-v1: /);
  const [[name, tensor], ...rest] = imported.weights;
  await refusedAs({ ...imported, weights: new Map(rest) }, new RegExp(`lacks the weight "${name}"`));
  await refusedAs({ ...imported, weights: new Map([...imported.weights, ["more", tensor]]) }, /"more" is no weight/);
});

const head: TestFile = {
  nodes: [
    { type: "GlobalAveragePool", inputs: ["x"], outputs: ["p"] },
    { type: "Flatten", inputs: ["p"], outputs: ["f"] },
    { type: "Softmax", inputs: ["f"] },
  ],
  inputs: { x: [1, 3, 8, 8] },
};

test("what a file does not say is assumed and said: labels, pixels, the softmax at its end", () => {
  const { model, notes } = modelFromOnnx(readOnnx(fileOf(head)));
  assert.deepEqual(model.labels, ["0", "1", "2"]);
  assert.equal(notes.length, 3);
  assert.ok(!model.graph?.nodes.some(({ op }) => op === "softmax"));
  const told = modelFromOnnx(readOnnx(fileOf(head)), { labels: ["a", "b", "c"], preprocessing: { mean: [0, 0, 0], std: [1, 1, 1] } });
  assert.deepEqual([told.model.labels, told.notes.length, told.model.preprocessing.std], [["a", "b", "c"], 1, [1, 1, 1]]);
});

test("networks that are no classifiers, and labels that do not fit, are refused", () => {
  const refusal = (file: TestFile, options = {}): string => {
    try {
      modelFromOnnx(readOnnx(fileOf(file)), options);
    } catch (error) {
      return (error as Error).message;
    }
    return "accepted";
  };
  assert.match(
    refusal({ nodes: [{ type: "Relu", inputs: ["x"] }], inputs: { x: [1, 3, 8, 8] } }),
    /gives "y" \[1, 3, 8, 8\]; a model gives one number a label/,
  );
  assert.match(refusal({ ...head, inputs: { x: [1, 3, 8, 6] } }), /reads \[1, 3, 8, 6\]; a model reads one square image/);
  assert.match(refusal(head, { labels: ["a"] }), /1 labels for a network of 3 outputs/);
  assert.match(refusal(head, { output: "z" }), /no output "z"; it has "y" \[1, 3\]/);
});
