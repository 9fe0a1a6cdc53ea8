import assert from "node:assert/strict";
import { test } from "node:test";
import { OptionError } from "../core/errors.ts";
import { progressiveSchedule, progressiveStages } from "./progressive.ts";

test("progressive learning as released: sizes of the authors' code, dropout constant", () => {
  assert.deepEqual(
    progressiveSchedule("s", { form: "released" }).map(({ size }) => size),
    [171, 214, 257, 300],
  );
  const large = progressiveSchedule("l", { form: "released" });
  assert.deepEqual(
    large.map(({ size, magnitude, cutmix, dropout }) => [size, magnitude, cutmix, dropout]),
    [
      [192, 5, 0, 0.4],
      [256, 10, 0.166666667, 0.4],
      [320, 15, 0.333333333, 0.4],
      [384, 20, 0.5, 0.4],
    ],
  );
});

test("progressive learning as printed: every quantity in a straight line, stages without a gap", () => {
  const stages = progressiveSchedule("m", { epochs: 10 });
  assert.deepEqual(stages[0], { from: 0, to: 3, size: 128, magnitude: 5, mixup: 0, cutmix: 0, dropout: 0.1 });
  assert.deepEqual(stages[3], { from: 8, to: 10, size: 380, magnitude: 20, mixup: 0.2, cutmix: 0, dropout: 0.4 });
  assert.deepEqual(
    stages.map(({ size }) => size),
    [128, 212, 296, 380],
  );
  for (let i = 1; i < stages.length; i++) assert.equal(stages[i].from, stages[i - 1].to);
  assert.equal(progressiveSchedule("s", { stages: 1 })[0].size, 300);
});

test("half a stage and more stages than epochs are refused", () => {
  const refused: readonly (readonly [() => unknown, RegExp])[] = [
    [() => progressiveSchedule("s", { stages: 2.5 }), /stages is 2.5; .* nearest legal value 3$/],
    [() => progressiveSchedule("s", { stages: 9, epochs: 4 }), /stages is 9; .* nearest legal value 4$/],
  ];
  for (const [run, message] of refused) assert.throws(run, (error) => error instanceof OptionError && message.test(error.message));
});

test("as stages of a recipe, sizes are shares of the last", () => {
  assert.deepEqual(progressiveStages("s", "released"), [
    { scale: 0.57, magnitude: 5, mixup: 0 },
    { scale: 0.7133, magnitude: 6.666666667, mixup: 0 },
    { scale: 0.8567, magnitude: 8.333333333, mixup: 0 },
    { scale: 1, magnitude: 10, mixup: 0 },
  ]);
  assert.deepEqual(
    progressiveStages("m", "paper").map(({ scale, mixup }) => [scale, mixup]),
    [
      [0.3368, 0],
      [0.5579, 0.066666667],
      [0.7789, 0.133333333],
      [1, 0.2],
    ],
  );
});
