import { need } from "../core/errors.ts";
import { formatShape, isSameShape } from "../core/shape.ts";
import type { Quantised } from "../ir/integer.ts";
import { defineOp, type Op } from "../ir/op.ts";
import { plain } from "./cost.ts";

/** The floats that integers from `low` to `high` stand for. */
export interface Grid extends Quantised {
  readonly low: number;
  readonly high: number;
}

function needGrid({ scale, zero, low, high }: Grid): void {
  need(Number.isFinite(scale) && scale > 0, () => `scale must be a positive number, found ${scale}`);
  const isOrdered = [zero, low, high].every(Number.isInteger) && low <= high;
  need(isOrdered, () => `low, high and zero must be integers in order, found ${low}, ${high} and ${zero}`);
}

/** Floats → the nearest of those that integers stand for: (clamp(⌊x / scale + zero + ½⌋, low, high) − zero) · scale. arXiv 1712.05877, section 3. */
export const fakeQuantise: Op<Grid> = defineOp<Grid>({
  name: "fakeQuantise",
  isElementwise: true,

  shape([x], attrs) {
    needGrid(attrs);
    return x;
  },

  cost: plain({ adds: 2, multiplications: 2, comparisons: 2 }),

  surrogate: () => "straight through: dx = dy where nothing is clamped, else 0", // arXiv 1308.3432

  reference(y, [x], { scale, zero, low, high }) {
    for (let i = 0; i < y.data.length; i++) {
      const place = Math.floor(x.data[i] / scale + zero + 0.5);
      y.data[i] = (Math.min(Math.max(place, low), high) - zero) * scale;
    }
  },
});

/** (dy, x) → dy where `fakeQuantise` clamped nothing, else 0. */
export const fakeQuantiseGradient: Op<Grid> = defineOp<Grid>({
  name: "fakeQuantiseGradient",
  isElementwise: true,

  shape([dy, x], attrs) {
    needGrid(attrs);
    need(isSameShape(dy, x), () => `the gradient ${formatShape(dy)} and the input ${formatShape(x)} must have one shape`);
    return dy;
  },

  cost: plain({ multiplications: 1, comparisons: 2 }),

  reference(dx, [dy, x], { scale, zero, low, high }) {
    const [least, most] = [low - zero - 0.5, high - zero + 0.5];
    for (let i = 0; i < dx.data.length; i++) {
      const place = x.data[i] / scale;
      dx.data[i] = place >= least && place < most ? dy.data[i] : 0;
    }
  },
});
