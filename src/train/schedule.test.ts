import assert from "node:assert/strict";
import { test } from "node:test";
import { averageDecayAt, learningRateAt, type Schedule, stretched } from "./schedule.ts";

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

test("a straight line and its powers fall to 0 from the end of the warm-up on", () => {
  assert.deepEqual(rates({ kind: "linear" }, 0, [0, 25, 50, 100]), [2, 1.5, 1, 0]);
  assert.deepEqual(rates({ kind: "linear" }, 2, [20, 60, 100]), [2, 1, 0]);
  assert.deepEqual(rates({ kind: "poly", power: 1 }, 0, [0, 25, 50, 100]), [2, 1.5, 1, 0]);
  assert.deepEqual(rates({ kind: "poly", power: 2 }, 0, [0, 25, 50, 100]), [2, 1.125, 0.5, 0]);
});

test("milestones multiply by the factor once each", () => {
  const schedule: Schedule = { kind: "milestones", epochs: [2, 5.5, 9], factor: 0.1 };
  assert.deepEqual(rates(schedule, 0, [0, 19, 20, 54, 55, 89, 90, 99]), [2, 2, 0.2, 0.2, 0.02, 0.02, 0.002, 0.002]);
});

test("stretched, a schedule passes the same rates at the same share of the training", () => {
  const schedules: readonly Schedule[] = [
    { kind: "cosine", floor: 0.1 },
    { kind: "poly", power: 2 },
    { kind: "step", epochs: 2.5, factor: 0.94 },
    { kind: "milestones", epochs: [4, 7.5], factor: 0.1 },
  ];
  for (const schedule of schedules) {
    const long = { learningRate: 1, schedule, warmUp: 1, epochs: 10 };
    const short = { ...long, schedule: stretched(schedule, 0.4), warmUp: 0.4, epochs: 4 };
    // Two steps into each half epoch of the long one, clear of the places where steps fall.
    for (let half = 3; half < 20; half++) {
      const [a, b] = [learningRateAt(long, 50 * half + 10, 100), learningRateAt(short, 20 * half + 4, 100)];
      assert.ok(Math.abs(a - b) < 1e-9, `${schedule.kind} at ${half}: ${a}, ${b}`);
    }
  }
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
