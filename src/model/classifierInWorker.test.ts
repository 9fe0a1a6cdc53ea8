import assert from "node:assert/strict";
import { test } from "node:test";
import { DataError, EngineError, FormatError } from "../core/errors.ts";
import { preprocessingFor } from "../data/preprocessing.ts";
import { prepare } from "../data/resize.ts";
import { initialise } from "../train/initialise.ts";
import { openClassifier } from "./classifier.ts";
import { openClassifierInWorker } from "./classifierInWorker.ts";
import { type Model, saveModel } from "./model.ts";
import { modelGraph } from "./modelGraph.ts";

const card = {
  network: "mobilenet-v2",
  options: { width: 0.25, isSmallImage: true },
  labels: ["a", "b", "c"],
  preprocessing: preprocessingFor({ size: 32, channels: 3, fit: "crop" }),
};
const model: Model = { ...card, weights: initialise(modelGraph(card), 3), provenance: {}, metrics: {} };
const image = { width: 40, height: 50, channels: 3, data: Uint8Array.from({ length: 6000 }, (_, i) => (i * 31) & 255) } as const;
const pixels = prepare(image, card.preprocessing);

test("a classifier in a worker gives the bits of one here, from a model or its file, with one thread or two", async () => {
  using here = await openClassifier(model);
  const [logits, choices] = [here.logits(pixels).slice(), here.classify(pixels, 2)];
  for (const [given, threads] of [
    [model, 1],
    [await saveModel(model), 2],
  ] as const) {
    using there = await openClassifierInWorker(given, { threads });
    assert.equal(there.threads, threads);
    assert.deepEqual(await there.logits(pixels), logits);
    assert.deepEqual(await there.classify(image, 2), choices);
  }
});

test("callers at once get each their own answer", async () => {
  using here = await openClassifier(model);
  using there = await openClassifierInWorker(model);
  const images = Array.from({ length: 12 }, (_, k) => pixels.map((byte) => (byte + 17 * k) & 255));
  const answers = await Promise.all(images.map((each) => there.logits(each)));
  assert.deepEqual(
    answers,
    images.map((each) => here.logits(each).slice()),
  );
});

test("mistakes come back as the errors that they are, and do no harm", async () => {
  await assert.rejects(openClassifierInWorker(new Uint8Array(40)), FormatError);
  using there = await openClassifierInWorker(model);
  await assert.rejects(there.logits(new Uint8Array(5)), (error) => error instanceof DataError && /an image of 5 bytes/.test(error.message));
  await assert.rejects(there.classify({ ...image, width: 41 }), (error) => error instanceof DataError && /6150/.test(error.message));
  assert.equal((await there.logits(pixels)).length, 3);
});

test("a call that waits when the classifier is disposed of is refused, and so is every later one", async () => {
  const there = await openClassifierInWorker(model);
  const waiting = there.logits(pixels);
  there.dispose();
  there.dispose();
  const isRefused = (error: unknown): boolean => error instanceof EngineError && /disposed of/.test(error.message);
  await assert.rejects(waiting, isRefused);
  await assert.rejects(there.classify(pixels), isRefused);
});
