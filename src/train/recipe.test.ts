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
  [{ schedule: { kind: "step", epochs: 0, factor: 0.5 } }, "schedule.epochs is 0; a step schedule needs a number of epochs above 0"],
  [{ schedule: { kind: "linear" } as never }, 'schedule.kind is "linear"; it needs one of constant, cosine, step'],
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
