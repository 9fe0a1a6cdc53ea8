import assert from "node:assert/strict";
import { test } from "node:test";
import { referenceBackend } from "../backends/reference/index.ts";
import { OptionError } from "../core/errors.ts";
import { preprocessingFor } from "../data/preprocessing.ts";
import { fit } from "./fit.ts";
import { publishedFor, publishedRecipes } from "./published.ts";
import { recipe, recipes } from "./recipe.ts";
import { learningRateAt } from "./schedule.ts";
import { tinyTask } from "./tinyTask.testing.ts";

/** Learning rates at whole epochs, as the paper or its code has them for its own batch. */
const rates: readonly (readonly [name: string, atEpoch: Readonly<Record<number, number>>])[] = [
  // base_lr · (1 − iteration / most)^power
  ["squeezenet", { 0: 0.04, 17: 0.03, 34: 0.02, 68: 0 }],
  // 0.4 · (1 − t)², where t is 0 at the end of the warm-up
  ["squeezenext", { 60: 0.4 * (1 - 59.4 / 119.4) ** 2, 90: 0.4 * (1 - 89.4 / 119.4) ** 2, 120: 0 }],
  ["mobilenet-v1", { 0: 0.045, 2: 0.045, 3: 0.045 * 0.94, 5: 0.045 * 0.94 ** 2 }],
  ["mobilenet-v2", { 0: 0.045, 1: 0.0441, 2: 0.043218, 100: 0.045 * 0.98 ** 100 }],
  ["mobilenet-v3", { 2: 0.1, 3: 0.099, 6: 0.09801 }],
  ["shufflenet-v1", { 0: 0.5, 60: 0.375, 120: 0.25, 240: 0 }],
  ["shufflenet-v2", { 0: 0.5, 120: 0.25 }],
  ["igcv1", { 0: 0.1, 199: 0.1, 200: 0.01, 300: 0.001, 350: 0.0001 }],
  ["igcv3", { 0: 0.045, 1: 0.0441 }],
  ["channelnet", { 44: 0.1, 45: 1e-2, 60: 1e-3, 65: 1e-4, 70: 1e-5, 75: 1e-6 }],
  // Two decays have passed when the warm-up of 5 epochs ends.
  ["efficientnet", { 5: 0.256 * 0.97 ** 2, 12: 0.256 * 0.97 ** 5, 240: 0.256 * 0.97 ** 100 }],
  ["efficientnet-v2-s", { 5: 0.256 * 0.97 ** 2, 24: 0.256 * 0.97 ** 10 }],
  ["ghostnet", { 5: 0.4, 202.5: 0.2, 400: 0 }],
  ["micronet", { 0: 0.2, 300: 0.1, 600: 0 }],
  ["micronet-m3", { 5: 0.2, 302.5: 0.1 }],
  // 0.05 · (1 + cos(π · epoch / 400))
  ["addernet", { 0: 0.1, 100: 0.05 * (1 + Math.SQRT1_2), 200: 0.05, 400: 0 }],
];

test("at the published length and batch the learning rates are the published ones", () => {
  for (const [name, atEpoch] of rates) {
    const { batch, epochs } = publishedRecipes[name as keyof typeof publishedRecipes];
    const rules = recipe(name, { batch });
    assert.equal(rules.epochs, epochs);
    for (const [epoch, needed] of Object.entries(atEpoch)) {
      const found = learningRateAt(rules, Math.round(Number(epoch) * 1000), 1000);
      assert.ok(Math.abs(found - needed) < 1e-9 + 1e-6 * needed, `${name} at epoch ${epoch}: ${found}, printed ${needed}`);
    }
  }
  const told = new Set(rates.map(([name]) => name));
  const others = Object.keys(publishedRecipes).filter((name) => !told.has(name));
  assert.ok(
    others.every((name) => name.startsWith("efficientnet-v2-")),
    String(others),
  );
});

test("another length keeps the shape of the schedule: AdderNet's 400 epochs in 10", () => {
  const [long, short] = [recipe("addernet", { batch: 256 }), recipe("addernet", { batch: 256, epochs: 10 })];
  for (const epoch of [0, 100, 200, 300, 399]) {
    assert.ok(Math.abs(learningRateAt(long, epoch * 40, 40) - learningRateAt(short, epoch, 40)) < 1e-12, String(epoch));
  }
  assert.deepEqual(recipe("channelnet", { epochs: 16 }).schedule, { kind: "milestones", epochs: [9, 12, 13, 14, 15], factor: 0.1 });
  assert.equal(recipe("efficientnet", { epochs: 35 }).warmUp, 0.5);
  assert.equal(recipe("paper-rmsprop", { epochs: 10 }).warmUp, 5, "starting points are not stretched");
});

test("the learning rate follows the batch unless it is given", () => {
  assert.equal(recipe("shufflenet-v2").learningRate, 0.5 / 16);
  assert.equal(recipe("shufflenet-v2", { batch: 32 }).learningRate, 0.5 / 32);
  assert.equal(recipe("shufflenet-v2", { batch: 32, learningRate: 0.1 }).learningRate, 0.1);
  assert.equal(recipe("mobilenet-v1").learningRate, 0.045);
});

test("weight decay of the gradient is what momentum and RMSProp make of it", () => {
  assert.equal(recipe("addernet").weightDecay, 5e-3);
  assert.equal(recipe("mobilenet-v1").weightDecay, 4e-5);
  assert.equal(recipe("mobilenet-v2").weightDecay, 4e-4);
  // 1e-5 / (1 − 0.9) / √0.001
  assert.equal(recipe("efficientnet").weightDecay, 0.00316228);
});

test("one dropout that is asked for takes the place of the stages'", () => {
  assert.deepEqual(
    recipe("efficientnet-v2-s").stages?.map(({ dropout }) => dropout),
    [0.1, 0.166666667, 0.233333333, 0.3],
  );
  const { stages, dropout } = recipe("efficientnet-v2-s", { dropout: 0.5 });
  assert.deepEqual([dropout, stages?.length, stages?.some((stage) => "dropout" in stage)], [0.5, 4, false]);
});

test("a network finds the recipe that was published for it, the longest beginning counting", () => {
  const found = [
    "squeezenet-1.1",
    "squeezenext-23",
    "efficientnet-b7",
    "efficientnet-v2-b0",
    "efficientnet-v2-l",
    "micronet-m3",
    "vgg-16",
    "igcv2",
  ];
  assert.deepEqual(
    found.map((network) => publishedFor(network)),
    ["squeezenet", "squeezenext", "efficientnet", "efficientnet-v2-s", "efficientnet-v2-l", "micronet-m3", undefined, undefined],
  );
});

test("wrong numbers are refused before anything is stretched by them", () => {
  for (const [changes, message] of [
    [{ epochs: 0 }, /^epochs is 0; it needs a whole number at least 1/],
    [{ batch: Number.NaN }, /^batch is NaN; it needs a whole number/],
    [{ epochs: 3 }, /^epochs is 3; it needs at least 4 for these 4 stages/],
  ] as const)
    assert.throws(
      () => recipe("efficientnet-v2-m", changes),
      (error) => error instanceof OptionError && message.test(error.message),
    );
});

for (const name of [...Object.keys(recipes), ...Object.keys(publishedRecipes)]) {
  test(`${name}: two steps of a tiny network`, async () => {
    const { stages } = recipe(name);
    const epochs = stages ? stages.length : 1;
    // 34 images train, so an epoch is two steps; the smallest stage of any recipe is a third of the side.
    const preprocessing = preprocessingFor({ size: 24, channels: 1, fit: "squash" });
    const task = { ...tinyTask({}, 48), recipe: recipe(name, { epochs, batch: 16 }), preprocessing, backend: referenceBackend };
    const { epochs: done, last } = await fit(task);
    assert.equal(done.length, epochs);
    assert.ok(done.every(({ loss }) => Number.isFinite(loss)));
    assert.ok([...last.values()].every(({ data }) => data.every(Number.isFinite)));
  });
}
