/** Training for integers: it helps where calibration alone loses, it never harms, and a run that is stopped goes on as if it had not been. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { Dataset } from "../data/dataset.ts";
import { openFashionMnist } from "../data/fashionMnist.node.ts";
import { preprocessingFor } from "../data/preprocessing.ts";
import { type Parts, splitDataset } from "../data/split.ts";
import { memoryStore } from "../train/checkpointStore.ts";
import { InterruptedError } from "../train/errors.ts";
import { recipe } from "../train/recipe.ts";
import { evaluateModel } from "./evaluateModel.ts";
import { type FineTuneOptions, fineTuneModel, fineTuningRecipe } from "./fineTuneModel.ts";
import { fitNetwork } from "./fitNetwork.ts";
import { loadModel, type Model, saveModel } from "./model.ts";

let data: Dataset;
let parts: Parts;
let model: Model;

before(async () => {
  data = await openFashionMnist({ part: "embedded" });
  const { train, validation } = splitDataset(data, { validation: 0.1 });
  parts = { train: train.subarray(0, 1600), validation: validation.subarray(0, 200), test: new Uint32Array() };
  const options = { network: "mobilenet-v1", options: { width: 0.25, isSmallImage: false } };
  const preprocessing = preprocessingFor({ size: 28, channels: 1, fit: "crop" });
  model = (await fitNetwork({ ...options, data, parts, preprocessing, recipe: recipe("small", { epochs: 4 }) })).model;
});

/** Ranges of all that occurs in eight images and of what is far outside of it: calibration that loses much. */
function poorly(more: Partial<FineTuneOptions> = {}): FineTuneOptions {
  return { parts, images: 8, method: "minmax", recipe: fineTuningRecipe(model, { epochs: 1, learningRate: 1e-3 }), ...more };
}

test("training brings integers closer than calibration alone, and the file gives what the trainer found", async () => {
  const tuned = await fineTuneModel(model, data, poorly());
  const accuracy = async (each: Model): Promise<number> => (await evaluateModel(each, data, { indices: parts.validation })).accuracy;
  assert.ok(tuned.isTuned, JSON.stringify(tuned.validation));
  assert.ok(tuned.validation.tuned >= tuned.validation.calibrated);
  assert.equal(await accuracy(tuned.calibrated.model), tuned.validation.calibrated);
  const read = await loadModel(await saveModel(tuned.model));
  assert.equal(await accuracy(read), tuned.validation.tuned);
  assert.match(read.quantisation?.method ?? "", /^minmax(, equalised)?, fine-tuned$/);
  assert.equal((read.provenance as { fineTuning: { epochs: number } }).fineTuning.epochs, 1);
  // Validation ran on floats with roundings: what it saw is what the integers do.
  const seen = tuned.training.best.validation?.accuracy ?? 0;
  assert.ok(Math.abs(seen - tuned.validation.tuned) <= 2 / parts.validation.length, `${seen} and ${tuned.validation.tuned}`);
});

test("a training that harms is thrown away", async () => {
  const rules = fineTuningRecipe(model, { epochs: 1, learningRate: 5, clip: 0, schedule: { kind: "constant" }, warmUp: 0 });
  const tuned = await fineTuneModel(model, data, { parts, recipe: rules });
  assert.equal(tuned.isTuned, false);
  assert.deepEqual(tuned.model, tuned.calibrated.model);
  assert.ok(tuned.validation.tuned < tuned.validation.calibrated);
});

test("stopped and resumed, it ends with the same bits; another model's checkpoint is refused", async () => {
  const whole = await fineTuneModel(model, data, poorly());
  const store = memoryStore();
  const stop = new AbortController();
  const interrupted = fineTuneModel(model, data, {
    ...poorly({ store, signal: stop.signal }),
    onTraining: ({ step }) => {
      if (step === 20) stop.abort();
    },
  });
  await assert.rejects(interrupted, InterruptedError);
  const [name, { shape, data: values }] = [...model.weights][0];
  const other = { ...model, weights: new Map([...model.weights, [name, { shape, data: values.map((x) => 2 * x) }]]) };
  await assert.rejects(fineTuneModel(other, data, poorly({ store, isResumed: true })), /is of another training/);
  let saved: Model | undefined;
  const resumed = await fineTuneModel(model, data, {
    ...poorly({ store, isResumed: true }),
    save: async (tuned) => {
      saved = tuned.model;
    },
  });
  assert.deepEqual(Buffer.from(await saveModel(resumed.model)), Buffer.from(await saveModel(whole.model)));
  assert.equal(saved, resumed.model);
  assert.deepEqual(await store.list(), []);
});

test("labels go by name, and growing images are refused", async () => {
  const turned = { ...data, labels: data.labels.toReversed(), labelOf: (index: number) => data.labels.length - 1 - data.labelOf(index) };
  const rules = fineTuningRecipe(model, { epochs: 1 });
  const [own, other] = [await fineTuneModel(model, data, poorly()), await fineTuneModel(model, turned, poorly())];
  assert.deepEqual(other.validation, own.validation);
  await assert.rejects(
    fineTuneModel(model, data, { parts, recipe: { ...rules, stages: [{}] } }),
    /OptionError: stages are of images that grow/,
  );
});
