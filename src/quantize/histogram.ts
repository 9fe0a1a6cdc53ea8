/** How a value's elements are distributed, and which part of their range integers should cover. */
import type { Range } from "../ir/integer.ts";

const BINS = 2048;

/** Counts of elements in bins of equal width over a range. */
export interface Histogram extends Range {
  readonly counts: Float64Array;
}

/** An empty histogram over a range. */
export function histogram({ low, high }: Range): Histogram {
  return { low, high, counts: new Float64Array(BINS) };
}

/** Counts elements; those outside fall into the outermost bins. */
export function count({ low, high, counts }: Histogram, elements: ArrayLike<number>): void {
  const perBin = high > low ? BINS / (high - low) : 0;
  for (let i = 0; i < elements.length; i++) {
    const bin = Math.floor((elements[i] - low) * perBin);
    counts[Math.min(Math.max(bin, 0), BINS - 1)]++;
  }
}

/** Ways to choose a range: all of it, all but a few outliers, or where rounding and clipping together err least. */
export const rangeMethods = ["minmax", "percentile", "mse"] as const;

/** A way to choose a range. */
export type RangeMethod = (typeof rangeMethods)[number];

/** Share of the elements that each end may lose. */
const OUTLIERS = 1e-4;

function percentile({ low, high, counts }: Histogram): Range {
  const width = (high - low) / BINS;
  const allowed = counts.reduce((sum, each) => sum + each, 0) * OUTLIERS;
  let [first, last] = [0, BINS - 1];
  for (let lost = counts[first]; lost <= allowed && first < last; lost += counts[first]) first++;
  for (let lost = counts[last]; lost <= allowed && last > first; lost += counts[last]) last--;
  return { low: low + first * width, high: low + (last + 1) * width };
}

/** Steps between the ends of a range of 7 bits. */
const STEPS = 127;

/** Mean squared error, times the count: of rounding inside of a range, of clipping outside of it. */
function squaredError({ low, high, counts }: Histogram, range: Range): number {
  const width = (high - low) / BINS;
  const step = (range.high - range.low) / STEPS;
  const rounding = (step * step) / 12;
  let sum = 0;
  for (let bin = 0; bin < BINS; bin++) {
    if (counts[bin] === 0) continue;
    const middle = low + (bin + 0.5) * width;
    const beyond = Math.max(range.low - middle, middle - range.high, 0);
    sum += counts[bin] * (beyond > 0 ? beyond * beyond : rounding);
  }
  return sum;
}

/** Shares of a range that are tried for each end. */
const SHARES = Array.from({ length: 24 }, (_, i) => 1 - i / 32);

function leastError(distribution: Histogram): Range {
  const ends = { low: Math.min(distribution.low, 0), high: Math.max(distribution.high, 0) };
  let best: Range = ends;
  let least = squaredError(distribution, ends);
  // One end after the other: the error is nearly a sum of both ends' parts.
  for (const end of ["high", "low", "high"] as const) {
    for (const share of SHARES) {
      const tried = { ...best, [end]: ends[end] * share };
      const error = squaredError(distribution, tried);
      if (error < least) [best, least] = [tried, error];
    }
  }
  return best;
}

/** The range that a method chooses. */
export function chooseRange(distribution: Histogram, method: RangeMethod): Range {
  if (method === "percentile") return percentile(distribution);
  return method === "mse" ? leastError(distribution) : { low: distribution.low, high: distribution.high };
}
