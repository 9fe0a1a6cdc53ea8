import assert from "node:assert/strict";
import { test } from "node:test";
import { OptionError } from "../core/errors.ts";
import { checkRecipe, type Recipe, recipe, recipes } from "./recipe.ts";

test("every preset is a recipe and plain JSON", () => {
  for (const [name, preset] of Object.entries(recipes)) {
    assert.deepEqual(JSON.parse(JSON.stringify(recipe(name))), preset, name);
  }
});

/** A change that must be refused, and the text that says why. */
const refused: readonly (readonly [Partial<Recipe>, string])[] = [
  [{ learningRate: Number.NaN }, "learningRate is NaN; it needs a number above 0 and at most 1000"],
  [{ learningRate: -0.1 }, "learningRate is -0.1; it needs a number above 0 and at most 1000"],
  [{ learningRate: Number.POSITIVE_INFINITY }, "learningRate is Infinity; it needs a number above 0 and at most 1000"],
  [{ epochs: 1e12 }, "epochs is 1000000000000; it needs a whole number at least 1 and at most 100000"],
  [{ epochs: 1.5 }, "epochs is 1.5; it needs a whole number at least 1 and at most 100000"],
  [{ epochs: undefined }, "epochs is undefined; it needs a whole number at least 1 and at most 100000"],
  [{ batch: 64, accumulate: 3 }, "accumulate is 3; it needs a divisor of the batch, 64"],
  [{ clip: -1 }, "clip is -1; it needs a number at least 0"],
  [{ average: 1 }, "average is 1; it needs a number at least 0 and below 1"],
  [{ dropout: 1 }, "dropout is 1; it needs a number at least 0 and below 1"],
  [{ optimiser: { kind: "sgd", momentum: 1, isNesterov: true } }, "optimiser.momentum is 1; it needs a number at least 0 and below 1"],
  [{ optimiser: { kind: "lion" } as never }, 'optimiser.kind is "lion"; it needs one of sgd, rmsprop, adamw'],
  [{ classWeights: "auto" as never }, 'classWeights is "auto"; it needs "none" or "balanced"'],
  [{ schedule: { kind: "step", epochs: 0, factor: 0.5 } }, "schedule.epochs is 0; it needs a number above 0 and at most 100000"],
  [{ schedule: { kind: "step", epochs: 1, factor: 2 } }, "schedule.factor is 2; it needs a number above 0 and at most 1"],
  [{ schedule: { kind: "cosine", floor: -1 } }, "schedule.floor is -1; it needs a number at least 0 and at most 1"],
  [{ schedule: { kind: "poly" } as never }, "schedule.power is undefined; it needs a number above 0 and at most 100"],
  [
    { schedule: { kind: "milestones", epochs: [], factor: 0.1 } },
    "schedule.epochs is []; milestones need a list of at least one number of epochs",
  ],
  [{ schedule: { kind: "milestones", epochs: [3, 2], factor: 0.1 } }, "schedule.epochs[1] is 2; it needs a number above 3"],
  [
    { schedule: { kind: "triangle" } as never },
    'schedule.kind is "triangle"; it needs one of constant, cosine, linear, poly, step, milestones',
  ],
  [{ stochasticDepth: 1 }, "stochasticDepth is 1; it needs a number at least 0 and below 1"],
  [{ stages: [] }, "stages is []; it needs a list of at least one stage, or to be left out"],
  [{ stages: [{ share: 0 }] }, "stages[0].share is 0; it needs a number above 0 and at most 100000"],
  [{ stages: [{}, { size: 1.5 }] }, "stages[1].size is 1.5; it needs a whole number at least 1 and at most 4096"],
  [{ stages: [{ size: 16, scale: 0.5 }] }, "stages[0].size is 16 and stages[0].scale 0.5; a stage needs one of them"],
  [{ stages: [{ magnitude: 5 }] }, "stages[0].magnitude is 5; it needs augmentation.randAugment, whose operations it is of"],
  [{ stages: [{}, {}, {}], epochs: 2 }, "epochs is 2; it needs at least 3 for these 3 stages, of which number 2 would have no epoch"],
  [{ stages: [{ share: 9 }, {}], epochs: 4 }, "epochs is 4; it needs at least 6 for these 2 stages, of which number 2 would have no epoch"],
  [{ augmentation: { area: [0.5, 0.2] } }, "augmentation.area[1] is 0.2; it needs a number at least 0.5 and at most 1"],
];

for (const [change, text] of refused) {
  test(`refused: ${text}`, () => {
    assert.throws(
      () => checkRecipe({ ...recipes.small, ...change }),
      (error) => error instanceof OptionError && error.message === text,
    );
  });
}

test("an unknown name is answered with the nearest", () => {
  assert.throws(() => recipe("smal"), /unknown recipe "smal"; did you mean "small"\? \(recipes: small, photos/);
});
