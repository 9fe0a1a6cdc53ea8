/** Trainings in stages: what moves from stage to stage, and what is refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { referenceBackend } from "../backends/reference/index.ts";
import { OptionError } from "../core/errors.ts";
import type { Backend, Weights } from "../engine/session.ts";
import type { Graph } from "../ir/graph.ts";
import { linear } from "../ops/linear.ts";
import { reshape } from "../ops/reshape.ts";
import { memoryStore } from "./checkpointStore.ts";
import { readAll } from "./course.ts";
import { InterruptedError } from "./errors.ts";
import { type FitOptions, fit } from "./fit.ts";
import type { TrainingEvent } from "./loop.ts";
import type { Recipe } from "./recipe.ts";
import { roundingBackend } from "./roundingBackend.testing.ts";
import { tinyTask } from "./tinyTask.testing.ts";

const backend = roundingBackend(referenceBackend);

function run(changes: Partial<Recipe> = {}, more: Partial<FitOptions> = {}): ReturnType<typeof fit> {
  return fit({ ...tinyTask(changes), backend, ...more });
}

function assertSameWeights(found: Weights, expected: Weights): void {
  assert.deepEqual([...found.keys()].sort(), [...expected.keys()].sort());
  for (const [name, { data }] of expected) assert.deepEqual(found.get(name)?.data, data, name);
}

/** Aborts after some optimiser steps. */
function abortAfter(steps: number): { signal: AbortSignal; onProgress: (event: TrainingEvent) => void } {
  const controller = new AbortController();
  return { signal: controller.signal, onProgress: ({ step }) => step === steps && controller.abort() };
}

/** Images that grow and shrink again, with other regularisation in each stage; two epochs of five steps each. */
const inStages = {
  epochs: 6,
  optimiser: { kind: "adamw", beta1: 0.9, beta2: 0.99, eps: 1e-8 },
  learningRate: 0.01,
  augmentation: { randAugment: { operations: 1, magnitude: 3 }, mixup: 0.1 },
  stages: [
    { size: 8, dropout: 0.05, magnitude: 1 },
    { size: 12, dropout: 0.1, mixup: 0.2 },
    { size: 8, dropout: 0.05 },
  ],
} as const satisfies Partial<Recipe>;

test("a training in stages learns, and validates at the size that the network is for", async () => {
  const sizes = new Set<number>();
  const watched: Backend = {
    name: "watched",
    open(graph, weights, options) {
      if (graph.updates.length === 0) sizes.add(graph.leaves.find(({ name }) => name === "image")?.shape[2] ?? 0);
      return backend.open(graph, weights, options);
    },
  };
  const events: TrainingEvent[] = [];
  const { epochs, test: tested, stages } = await run(inStages, { backend: watched, onProgress: (event) => events.push(event) });
  assert.ok(epochs[5].loss < 0.7 * epochs[0].loss, JSON.stringify(epochs.map(({ loss }) => loss)));
  assert.equal(tested?.accuracy, 1);
  assert.deepEqual([...sizes], [8]);
  assert.deepEqual(
    stages.map(({ from, to, size }) => [from, to, size]),
    [
      [0, 2, 8],
      [2, 4, 12],
      [4, 6, 8],
    ],
  );
  for (const { epoch, stage, secondsLeft } of events) {
    const number = Math.ceil(epoch / 2);
    assert.deepEqual(stage, { number, of: 3, size: number === 2 ? 12 : 8 });
    assert.ok(secondsLeft >= 0);
  }
});

test("from stage to stage every weight and state moves over bit by bit, and a size that returns has the graph that it had", async () => {
  const graphs: Graph[] = [];
  const ends: Weights[] = [];
  const moving: Backend = {
    name: "moving",
    async open(graph, weights, options) {
      const session = await backend.open(graph, weights, options);
      if (graph.updates.length === 0) return session;
      graphs.push(graph);
      const left = ends.at(-1);
      if (left) assertSameWeights(readAll(session), left);
      return {
        ...session,
        dispose() {
          ends.push(readAll(session));
          session.dispose();
        },
      };
    },
  };
  const { last } = await run(inStages, { backend: moving });
  assert.equal(graphs.length, 3);
  assert.equal(graphs[2], graphs[0]);
  assert.notEqual(graphs[1], graphs[0]);
  for (const state of ["optimiser.first.second.weight", "optimiser.second.head.bias", "average.head.weight", "norm.running_mean"])
    assert.ok(last.has(state), state);
});

test("stages that differ in augmentation only go on in the same session", async () => {
  let opened = 0;
  const counting: Backend = {
    name: "counting",
    open(graph, weights, options) {
      if (graph.updates.length > 0) opened++;
      return backend.open(graph, weights, options);
    },
  };
  const { epochs } = await run({ ...inStages, epochs: 2, stages: [{ magnitude: 1 }, { magnitude: 5 }] }, { backend: counting });
  assert.deepEqual([opened, epochs.length], [1, 2]);
});

test("interrupted in the middle or at the end of any stage and resumed, a training in stages ends with the bits of never stopping", async () => {
  const whole = await run(inStages);
  for (const stop of [3, 10, 13, 20, 21, 30]) {
    const store = memoryStore();
    await assert.rejects(run(inStages, { store, ...abortAfter(stop) }), InterruptedError);
    const notices: string[] = [];
    const resumed = await run(inStages, { store, isResumed: true, onNotice: (sentence) => notices.push(sentence) });
    assertSameWeights(resumed.last, whole.last);
    assertSameWeights(resumed.weights, whole.weights);
    assert.deepEqual(resumed.epochs, whole.epochs);
    assert.match(notices[0], new RegExp(`^going on after step ${stop} \\(epoch \\d, stage [123] of 3\\)$`));
  }
});

test("other stages are another training", async () => {
  const store = memoryStore();
  await assert.rejects(run(inStages, { store, ...abortAfter(2) }), InterruptedError);
  const others = { ...inStages, stages: [{ size: 8 }] };
  await assert.rejects(run(others, { store, isResumed: true }), /recipe\.stages was \[.*\], is \[\{"size":8\}\]/);
});

test("a network whose weights depend on the size is refused stages of other sizes, naming the weight", async () => {
  const build: FitOptions["build"] = (g, image, { classes }) => {
    const flat = reshape(g.scope("flat"), [image], { shape: [image.shape[0], image.shape[2] * image.shape[3]] });
    const weight = g.scope("head").parameter("weight", [classes, flat.shape[1]], { kind: "normal", std: 0.1 });
    return linear(g.scope("head"), [flat, weight, g.scope("head").parameter("bias", [classes], { kind: "constant", value: 0 })], {});
  };
  const message = 'stages: "head.weight" has shape [4, 144] for images of 12×12, [4, 64] for 8×8; this network needs stages of one size';
  await assert.rejects(run(inStages, { build }), (error) => error instanceof OptionError && error.message === message);
  const { epochs } = await run({ ...inStages, epochs: 2, stages: [{ dropout: 0 }, { mixup: 0.4 }] }, { build });
  assert.equal(epochs.length, 2);
});
