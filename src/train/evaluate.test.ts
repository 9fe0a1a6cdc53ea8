import assert from "node:assert/strict";
import { test } from "node:test";
import { referenceBackend } from "../backends/reference/index.ts";
import { softmax, topChoices } from "../core/choices.ts";
import { evaluate, scores } from "./evaluate.ts";
import { initialise } from "./initialise.ts";
import { tinyTask } from "./tinyTask.testing.ts";
import { evaluationGraph } from "./trainingGraph.ts";

test("scores of a confusion matrix worked out by hand", () => {
  const confusion = [
    [3, 1, 0],
    [2, 4, 0],
    [0, 0, 0],
  ];
  const found = scores(confusion, ["a", "b", "c"], 5);
  assert.deepEqual(found.classes, [
    { label: "a", images: 4, precision: 3 / 5, recall: 3 / 4, f1: 6 / 9 },
    { label: "b", images: 6, precision: 4 / 5, recall: 4 / 6, f1: 8 / 11 },
    { label: "c", images: 0, precision: 0, recall: 0, f1: 0 },
  ]);
  assert.equal(found.accuracy, 0.7);
  assert.equal(found.loss, 0.5);
  assert.equal(found.macroF1, (6 / 9 + 8 / 11) / 2, "a class that does not occur does not count");
});

test("softmax does not overflow, and the top choices come in order", () => {
  assert.deepEqual([...softmax([1000, 1000])], [0.5, 0.5]);
  const choices = topChoices([0, Math.log(3), Math.log(4)], ["a", "b", "c"], 2);
  assert.deepEqual(
    choices.map(({ label, probability }) => [label, probability.toFixed(6)]),
    [
      ["c", "0.500000"],
      ["b", "0.375000"],
    ],
  );
});

test("the batch size does not change an evaluation, not even where the last batch is partly empty", async () => {
  const { build, data, preprocessing } = tinyTask();
  const results = [];
  for (const batch of [1, 7, 64]) {
    const graph = evaluationGraph({ build, batch, size: 8, channels: 1, classes: 4 });
    using session = await referenceBackend.open(graph, initialise(graph, 1));
    results.push(await evaluate({ session, data, preprocessing, indices: Uint32Array.from({ length: 20 }, (_, i) => 3 * i) }));
  }
  assert.equal(results[0].images, 20);
  assert.equal(
    results[0].confusion.flat().reduce((sum, count) => sum + count),
    20,
  );
  assert.deepEqual(results[1], results[0]);
  assert.deepEqual(results[2], results[0]);
});

test("labels may be the network's, in another order than the data set's", async () => {
  const { build, data, preprocessing } = tinyTask();
  const graph = evaluationGraph({ build, batch: 8, size: 8, channels: 1, classes: 4 });
  using session = await referenceBackend.open(graph, initialise(graph, 1));
  const own = await evaluate({ session, data, preprocessing });
  const relabelled = { ...data, labels: ["p", "q", "r", "s"], labelOf: (index: number) => 3 - data.labelOf(index) };
  const turned = await evaluate({ session, data: relabelled, preprocessing });
  assert.deepEqual(turned.confusion, own.confusion.toReversed());
  assert.equal(turned.classes[0].label, "p");
});
