import assert from "node:assert/strict";
import { test } from "node:test";
import { averageDecayAt, learningRateAt, type Schedule } from "./schedule.ts";

function rates(schedule: Schedule, warmUp: number, steps: readonly number[]): number[] {
  const options = { learningRate: 2, schedule, warmUp, epochs: 10 };
  return steps.map((step) => Number(learningRateAt(options, step, 10).toFixed(6)));
}

test("a constant schedule rises to its peak and stays", () => {
  assert.deepEqual(rates({ kind: "constant" }, 0.4, [0, 1, 2, 3, 4, 99]), [0.4, 0.8, 1.2, 1.6, 2, 2]);
});

test("half a cosine lies between the end of the warm-up and the last epoch", () => {
  assert.deepEqual(rates({ kind: "cosine" }, 2, [20, 60, 100]), [2, 1, 0]);
  assert.deepEqual(rates({ kind: "cosine", floor: 0.1 }, 0, [0, 50, 100]), [2, 1.1, 0.2]);
});

test("steps multiply by the factor each time their epochs have passed", () => {
  assert.deepEqual(rates({ kind: "step", epochs: 3, factor: 0.5 }, 0, [29, 30, 59, 60, 90]), [2, 1, 1, 0.5, 0.25]);
});

test("the rate never jumps down when the warm-up ends", () => {
  const all = rates(
    { kind: "cosine" },
    1,
    Array.from({ length: 100 }, (_, step) => step),
  );
  assert.equal(Math.max(...all), all[10]);
  for (let step = 1; step <= 10; step++) assert(all[step] > all[step - 1]);
  for (let step = 11; step < 100; step++) assert(all[step] < all[step - 1]);
});

test("a warm-up takes at most a quarter of the training", () => {
  const options = { learningRate: 1, schedule: { kind: "cosine" }, warmUp: 5, epochs: 2 } as const;
  const all = Array.from({ length: 20 }, (_, step) => learningRateAt(options, step, 10));
  assert.equal(all.indexOf(Math.max(...all)), 5);
  assert(all[19] < 0.05);
});

test("the average has a short memory first", () => {
  assert.deepEqual(
    [0, 8, 1e6].map((step) => averageDecayAt(0.99, step)),
    [0.1, 0.5, 0.99],
  );
});
