/** From a trained model to integers and back from its file: accuracy, the same logits everywhere, what is refused. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { referenceBackend } from "../backends/reference/index.ts";
import type { Dataset } from "../data/dataset.ts";
import { openFashionMnist } from "../data/fashionMnist.node.ts";
import { preprocessingFor } from "../data/preprocessing.ts";
import { splitDataset } from "../data/split.ts";
import { recipe } from "../train/recipe.ts";
import { openClassifier } from "./classifier.ts";
import { evaluateModel } from "./evaluateModel.ts";
import { fitNetwork } from "./fitNetwork.ts";
import { loadModel, type Model, saveModel } from "./model.ts";
import { type QuantizedModel, quantizeModel } from "./quantizeModel.ts";

let data: Dataset;
let model: Model;
let quantized: QuantizedModel;

before(async () => {
  data = await openFashionMnist({ part: "embedded" });
  const parts = splitDataset(data, { validation: 0.1 });
  const preprocessing = preprocessingFor({ size: 28, channels: 1, fit: "crop" });
  const options = { network: "mobilenet-v1", options: { width: 0.25, isSmallImage: false } };
  model = (
    await fitNetwork({
      ...options,
      data,
      parts: { ...parts, test: new Uint32Array() },
      preprocessing,
      recipe: recipe("small", { epochs: 2 }),
    })
  ).model;
  quantized = await quantizeModel(model, data, { indices: parts.train, images: 64 });
});

test("a trained network loses less than a point of accuracy", async () => {
  const indices = splitDataset(data).test;
  const [floats, integers] = [await evaluateModel(model, data, { indices }), await evaluateModel(quantized.model, data, { indices })];
  assert.ok(floats.accuracy > 0.5, `trained to ${floats.accuracy}`);
  assert.ok(integers.accuracy > floats.accuracy - 0.01, `${integers.accuracy} in integers, ${floats.accuracy} in floats`);
});

test("the report names the way that came closest, the error of each layer, and no layer that stays float", () => {
  const { method, tried, layers, floats } = quantized;
  assert.equal(Object.keys(tried).length, 12);
  assert.equal(tried[method], Math.min(...Object.values(tried)));
  assert.ok(layers.length > 25 && layers.every(({ error }) => error >= 0 && error < 1));
  assert.deepEqual(floats, []);
});

test("the file is a quarter of the floats', and what is read from it gives the same logits on the reference and on threads", async () => {
  const [before, after] = [await saveModel(model), await saveModel(quantized.model)];
  assert.ok(after.length < 0.4 * before.length, `${after.length} of ${before.length} bytes`);
  const read = await loadModel(after);
  const pixels = await data.pixels(5, model.preprocessing);
  const logits: Float64Array[] = [];
  for (const [each, options] of [
    [quantized.model, {}],
    [read, { threads: 2, isRelaxedAllowed: false }],
    [read, { backend: referenceBackend }],
  ] as const) {
    using classifier = await openClassifier(each, options);
    logits.push(classifier.logits(pixels).slice());
  }
  assert.deepEqual(logits[1], logits[0]);
  assert.deepEqual(logits[2], logits[0]);
});

test("samples that are missing, too few or all the same are refused", async () => {
  const refused = async (indices: number[], of: Dataset = data): Promise<string> => {
    return quantizeModel(model, of, { indices: Uint32Array.from(indices) }).then(
      () => "accepted",
      (error: Error) => `${error.name}: ${error.message}`,
    );
  };
  assert.equal(await refused([]), `DataError: ${data.name}: calibration needs at least 8 images, found none`);
  assert.equal(await refused([1, 2, 3]), `DataError: ${data.name}: calibration needs at least 8 images, found 3`);
  const grey: Dataset = { ...data, pixels: () => new Uint8Array(28 * 28).fill(7) };
  const same = "calibration: every pixel of the 8 images is the same; images that differ are needed";
  assert.equal(await refused([1, 2, 3, 4, 5, 6, 7, 8], grey), `DataError: ${same}`);
});

test("a model that is quantised already is refused, and a file whose ranges do not fit its network", async () => {
  await assert.rejects(quantizeModel(quantized.model, data), /quantised already; quantise the float model/);
  const { quantisation } = quantized.model;
  assert.ok(quantisation);
  const lacking = { ...quantized.model, quantisation: { ...quantisation, ranges: { image: [0, 1] as const } } };
  const { encodeModel } = await import("../formats/modelFile.ts");
  const { network, options, ...rest } = lacking;
  const file = await encodeModel({ network: { name: network, options: { ...options } }, ...rest });
  await assert.rejects(
    loadModel(file, "small.safetensors"),
    /^FormatError: small.safetensors: quantisation.ranges: lacks "features\.init_block/,
  );
});
