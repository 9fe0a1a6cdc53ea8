import assert from "node:assert/strict";
import { test } from "node:test";
import { recipe } from "./recipe.ts";
import { planStages, stageAt, workLeft } from "./stages.ts";

const randAugment = { operations: 2, magnitude: 9 };

test("stages take shares of the epochs without a gap, and sides in proportion", () => {
  const rules = recipe("small", { epochs: 10, stages: [{ share: 2, scale: 0.5 }, { scale: 0.75 }, { share: 2 }] });
  assert.deepEqual(
    planStages(rules, 28).map(({ number, from, to, size }) => [number, from, to, size]),
    [
      [1, 0, 4, 16],
      [2, 4, 6, 20],
      [3, 6, 10, 28],
    ],
  );
});

test("sides are multiples of 4 but for the final one and those given in pixels", () => {
  const sizes = (finalSize: number, scales: readonly number[]): readonly number[] =>
    planStages(recipe("small", { stages: scales.map((scale) => ({ scale })) }), finalSize).map(({ size }) => size);
  assert.deepEqual(sizes(28, [0.57, 0.7133, 0.8567, 1]), [16, 20, 24, 28]);
  assert.deepEqual(sizes(224, [0.57, 0.7133, 0.8567, 1]), [128, 160, 192, 224]);
  assert.deepEqual(sizes(30, [0.1, 1]), [4, 30]);
  assert.equal(planStages(recipe("small", { stages: [{ size: 17 }] }), 28)[0].size, 17);
});

test("what a stage leaves out is the recipe's, and a recipe without stages is one", () => {
  const rules = recipe("small", {
    dropout: 0.2,
    augmentation: { isFlipped: true, randAugment, mixup: 0.1 },
    stages: [{ dropout: 0.1, magnitude: 5 }, { mixup: 0.4 }],
  });
  const [first, second] = planStages(rules, 32);
  assert.deepEqual([first.dropout, second.dropout], [0.1, 0.2]);
  assert.deepEqual(first.augmentation, { isFlipped: true, randAugment: { operations: 2, magnitude: 5 }, mixup: 0.1 });
  assert.deepEqual(second.augmentation, { isFlipped: true, randAugment, mixup: 0.4 });
  assert.deepEqual(planStages(recipe("small"), 28), [{ number: 1, from: 0, to: 20, size: 28, augmentation: { isFlipped: true } }]);
});

test("an epoch finds its stage, and the work that is left counts pixels", () => {
  const plans = planStages(recipe("small", { epochs: 4, stages: [{ size: 8 }, { size: 16 }] }), 16);
  assert.deepEqual(
    [0, 1, 2, 3, 4].map((epoch) => stageAt(plans, epoch).number),
    [1, 1, 2, 2, 2],
  );
  const whole = 10 * (2 * 64 + 2 * 256);
  assert.deepEqual(
    [0, 5, 20, 39, 40].map((step) => workLeft(plans, step, 10)),
    [whole, whole - 5 * 64, 20 * 256, 256, 0],
  );
});
