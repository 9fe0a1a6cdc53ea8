import assert from "node:assert/strict";
import { test } from "node:test";
import { referenceBackend } from "../backends/reference/index.ts";
import { DataError, OptionError, TrainingError } from "../core/errors.ts";
import type { Backend, Session, Weights } from "../engine/session.ts";
import { loadCheckpoint } from "./checkpoint.ts";
import { memoryStore } from "./checkpointStore.ts";
import { InterruptedError } from "./errors.ts";
import { type FitOptions, fit } from "./fit.ts";
import { isBetter, type TrainingEvent } from "./loop.ts";
import type { Recipe } from "./recipe.ts";
import { roundingBackend } from "./roundingBackend.testing.ts";
import { tinyBuilder, tinyData, tinyTask } from "./tinyTask.testing.ts";

const backend = roundingBackend(referenceBackend);

function run(changes: Partial<Recipe> = {}, more: Partial<FitOptions> = {}): ReturnType<typeof fit> {
  return fit({ ...tinyTask(changes), backend, ...more });
}

function assertSameWeights(found: Weights, expected: Weights): void {
  assert.deepEqual([...found.keys()].sort(), [...expected.keys()].sort());
  for (const [name, { data }] of expected) assert.deepEqual(found.get(name)?.data, data, name);
}

/** Calls `look` with each training session before its first run and after every run. */
function observing(look: (session: Session) => void): Backend {
  return {
    name: "observed",
    async open(graph, weights, options) {
      const session = await backend.open(graph, weights, options);
      if (graph.updates.length === 0) return session;
      look(session);
      const runInPlace = (): void => {
        session.runInPlace();
        look(session);
      };
      return { ...session, runInPlace };
    },
  };
}

/** Aborts after some optimiser steps. */
function abortAfter(steps: number): { signal: AbortSignal; onProgress: (event: TrainingEvent) => void } {
  const controller = new AbortController();
  return { signal: controller.signal, onProgress: ({ step }) => step === steps && controller.abort() };
}

test("a small task is learnt, and the result says how well", async () => {
  const { epochs, best, test: tested, weights, labels } = await run({ epochs: 6 });
  assert.equal(epochs.length, 6);
  assert(epochs[5].loss < 0.6 * epochs[0].loss, `${epochs[0].loss} → ${epochs[5].loss}`);
  assert.equal(best.validation?.accuracy, 1);
  assert.equal(tested?.accuracy, 1);
  assert.equal(labels.length, 4);
  assert.deepEqual(
    [...weights.keys()].filter((name) => /optimiser|average/.test(name)),
    [],
  );
});

for (const optimiser of [
  { kind: "sgd", momentum: 0, isNesterov: false },
  { kind: "rmsprop", decay: 0.9, eps: 1e-3, momentum: 0.9 },
  { kind: "adamw", beta1: 0.9, beta2: 0.99, eps: 1e-8 },
] as const) {
  test(`${optimiser.kind} lowers the loss`, async () => {
    const learningRate = optimiser.kind === "sgd" ? 0.2 : 0.01;
    const { epochs } = await run({ optimiser, learningRate, epochs: 5, average: 0, augmentation: {}, dropout: 0 });
    assert(epochs[4].loss < 0.7 * epochs[0].loss, JSON.stringify(epochs.map(({ loss }) => loss)));
  });
}

test("the same seed gives the same bits, another seed others", async () => {
  const [first, second, other] = [await run(), await run(), await run({}, { seed: 4 })];
  assertSameWeights(second.last, first.last);
  assert.deepEqual(second.epochs, first.epochs);
  assert.notDeepEqual(other.last.get("head.weight"), first.last.get("head.weight"));
});

test("interrupted anywhere and resumed, training ends with the bits of never stopping", async () => {
  const whole = await run();
  const stepsPerEpoch = 5;
  for (const stop of [1, 4, stepsPerEpoch, 7, 3 * stepsPerEpoch]) {
    const store = memoryStore();
    const interrupted = run({}, { store, ...abortAfter(stop) });
    await assert.rejects(interrupted, (error) => error instanceof InterruptedError && error.exitCode === 130 && error.step === stop);
    const notices: string[] = [];
    const resumed = await run({}, { store, isResumed: true, onNotice: (sentence) => notices.push(sentence) });
    assertSameWeights(resumed.last, whole.last);
    assertSameWeights(resumed.weights, whole.weights);
    assert.deepEqual(resumed.epochs, whole.epochs);
    assert.deepEqual(resumed.test, whole.test);
    assert.match(notices[0], new RegExp(`^going on after step ${stop} `));
  }
});

test("a batch in parts resumes to the same bits too", async () => {
  const changes = { accumulate: 2, optimiser: { kind: "adamw", beta1: 0.9, beta2: 0.99, eps: 1e-8 }, learningRate: 0.01 } as const;
  const whole = await run(changes);
  const store = memoryStore();
  await assert.rejects(run(changes, { store, ...abortAfter(7) }), InterruptedError);
  assertSameWeights((await run(changes, { store, isResumed: true })).last, whole.last);
});

test("a batch in parts trains like the whole batch where nothing normalises over it", async () => {
  const changes = { augmentation: {}, dropout: 0, average: 0, clip: 0.5, epochs: 2 };
  const build = tinyBuilder({ hasNorm: false });
  const [whole, parts] = [await run(changes, { build }), await run({ ...changes, accumulate: 4 }, { build })];
  for (const [name, { data }] of whole.weights) {
    for (const [i, element] of data.entries()) assert(Math.abs(element - (parts.weights.get(name)?.data[i] ?? 0)) < 1e-5, name);
  }
  assert(Math.abs(whole.epochs[1].loss - parts.epochs[1].loss) < 1e-5);
});

test("when checkpoints are written changes nothing, nor does having none", async () => {
  const without = await run();
  const often = await run({}, { store: memoryStore(), checkpointEvery: { seconds: 0 } });
  assertSameWeights(often.last, without.last);
});

test("another recipe, network, data set or seed is not resumed, and what differs is named", async () => {
  const store = memoryStore();
  await assert.rejects(run({}, { store, ...abortAfter(2) }), InterruptedError);
  const resume = (more: Partial<FitOptions>, changes: Partial<Recipe> = {}) => run(changes, { store, isResumed: true, ...more });
  const refused: [() => Promise<unknown>, RegExp][] = [
    [() => resume({}, { learningRate: 0.2 }), /recipe\.learningRate was 0\.05, is 0\.2/],
    [() => resume({ network: { name: "other" } }), /network\.name was "tiny", is "other"/],
    [() => resume({ seed: 9 }), /seed was 3, is 9/],
    [() => resume({ data: tinyData(72) }), /the images, their labels or their division into parts differ/],
  ];
  for (const [attempt, text] of refused) await assert.rejects(attempt, (error) => error instanceof OptionError && text.test(error.message));
});

test("resuming where nothing is held starts at the beginning, starting anew discards what is held", async () => {
  const notices: string[] = [];
  const onNotice = (sentence: string): void => void notices.push(sentence);
  const store = memoryStore("birds");
  const first = await run({}, { store, isResumed: true, onNotice });
  const second = await run({}, { store, onNotice, save: async () => undefined });
  assertSameWeights(second.last, first.last);
  assert.deepEqual(notices, [
    "no checkpoint in birds; starting at the beginning",
    "starting anew: the checkpoint of an unfinished training, birds, is discarded",
  ]);
  assert.deepEqual(await store.list(), [], "after the result is saved no checkpoint is left");
});

test("a loss that is not finite stops training, names step and layer, and keeps the last good checkpoint", async () => {
  const store = memoryStore();
  const changes = { learningRate: 1000, warmUp: 0, clip: 0, weightDecay: 10, augmentation: {} };
  await assert.rejects(run(changes, { store, checkpointEvery: { steps: 1 } }), (error) => {
    assert(error instanceof TrainingError);
    assert.match(error.message, /at step \d+ \(epoch \d, batch \d of 5\)\n {2}first not finite: \w+ at "[\w.]+"/);
    assert.match(
      error.message,
      /the checkpoint of step \d+ is kept; training has stopped: try a lower learning rate \(now 1000\) or gradient/,
    );
    return true;
  });
  const kept = await loadCheckpoint(store, assert.fail);
  assert(kept && [...kept.current.values()].every(({ data }) => data.every(Number.isFinite)));
});

test("weights that are given and not finite are caught in the first step, where they first show", async () => {
  const weights = new Map([["second.weight", { shape: [8, 6, 4, 4], data: new Float32Array(768).fill(Number.NaN) }]]);
  await assert.rejects(
    run({}, { weights }),
    /the loss is NaN at step 1 .*\n {2}first not finite: conv2d at "second"\n {2}no checkpoint was written/,
  );
});

test("the average of the weights follows them with the stated decay", async () => {
  const followed: Float64Array[] = [];
  const { last } = await run(
    { epochs: 1, average: 0.9 },
    { backend: observing(({ read }) => followed.push(Float64Array.from(read("head.weight").data))) },
  );
  const plain = await run({ epochs: 1, average: 0 });
  assertSameWeights(plain.weights, new Map([...last].filter(([name]) => plain.weights.has(name))));
  // The shadow starts as the initial weights; its decay grows as (1 + step) / (10 + step) up to 0.9.
  const expected = followed[0].slice();
  for (const [step, weights] of followed.slice(1).entries()) {
    const decay = Math.min(0.9, (1 + step) / (10 + step));
    for (const [i, weight] of weights.entries()) expected[i] = decay * expected[i] + (1 - decay) * weight;
  }
  for (const [i, shadow] of (last.get("average.head.weight")?.data ?? []).entries()) assert(Math.abs(shadow - expected[i]) < 1e-6);
  assert.equal(followed.length, 6);
});

test("progress counts steps up to the last, validation included", async () => {
  const events: TrainingEvent[] = [];
  await run({}, { onProgress: (event) => events.push(event) });
  const training = events.filter(({ phase }) => phase === "training");
  assert.deepEqual(
    training.map(({ step }) => step),
    Array.from({ length: 15 }, (_, i) => i + 1),
  );
  assert(events.some(({ phase }) => phase === "validation"));
  assert(events.every(({ steps, secondsLeft, imagesPerSecond }) => steps === 15 && secondsLeft >= 0 && imagesPerSecond > 0));
  assert.deepEqual(
    training.map(({ epoch }) => epoch),
    Array.from({ length: 15 }, (_, i) => Math.floor(i / 5) + 1),
  );
});

test("an epoch is better by validation accuracy, then by loss, and the earlier of equals stays", () => {
  const epoch = (accuracy: number, loss: number) => ({ epoch: 1, loss: 0, accuracy: 0, validation: { accuracy, loss } });
  assert.equal(isBetter(epoch(0.5, 1), undefined), true);
  assert.equal(isBetter(epoch(0.6, 2), epoch(0.5, 1)), true);
  assert.equal(isBetter(epoch(0.5, 0.9), epoch(0.5, 1)), true);
  assert.equal(isBetter(epoch(0.5, 1), epoch(0.5, 1)), false);
  assert.equal(isBetter(epoch(0.4, 0.1), epoch(0.5, 1)), false);
});

test("a recipe or data that cannot be trained are refused before anything is opened", async () => {
  await assert.rejects(run({}, { recipe: { ...tinyTask().recipe, learningRate: Number.NaN } }), /learningRate is NaN; it needs/);
  const oneClass = { ...tinyData(8), labels: ["only"], labelOf: () => 0 };
  await assert.rejects(run({}, { data: oneClass }), (error) => error instanceof DataError && /one label \("only"\)/.test(error.message));
});
