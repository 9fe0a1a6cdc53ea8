import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../core/random.ts";
import { chooseRange, count, type Histogram, histogram } from "./histogram.ts";

/** 100,000 normal numbers, and one far outside. */
function withOutlier(): Histogram {
  const { normal } = random(3, "histogram");
  const elements = Float32Array.from({ length: 100_000 }, (_, i) => normal(i));
  elements[17] = 100;
  const held = histogram({ low: elements.reduce((a, b) => Math.min(a, b)), high: 100 });
  count(held, elements);
  return held;
}

test("every element is counted, those on the ends too", () => {
  const held = histogram({ low: -1, high: 1 });
  count(held, [-1, 0, 1, 1, 5]);
  assert.equal(
    held.counts.reduce((a, b) => a + b, 0),
    5,
  );
  assert.deepEqual([held.counts[0], held.counts.at(-1)], [1, 3]);
});

test("a constant value has a range of one point", () => {
  const held = histogram({ low: 2, high: 2 });
  count(held, [2, 2, 2]);
  assert.equal(held.counts[0], 3);
  assert.deepEqual(chooseRange(held, "minmax"), { low: 2, high: 2 });
});

test("minmax keeps an outlier, percentile drops it, the least error leaves it far outside", () => {
  const held = withOutlier();
  assert.equal(chooseRange(held, "minmax").high, 100);
  const { low, high } = chooseRange(held, "percentile");
  assert.ok(low < -3 && high > 3 && high < 5, `${low} to ${high}`);
  assert.ok(chooseRange(held, "mse").high < 90);
});

test("the least error of numbers that are spread evenly is that of their whole range", () => {
  const held = histogram({ low: -1, high: 3 });
  count(
    held,
    Float32Array.from({ length: 40_000 }, (_, i) => -1 + i / 10_000),
  );
  assert.deepEqual(chooseRange(held, "mse"), { low: -1, high: 3 });
});
