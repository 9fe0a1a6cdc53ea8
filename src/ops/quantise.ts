import { need } from "../core/errors.ts";
import type { Quantised } from "../ir/integer.ts";
import { defineOp, type Op } from "../ir/op.ts";
import { plain } from "./cost.ts";
import { cut, needType, needZero, scaled } from "./requantise.ts";

function needQuantised({ scale, zero }: Quantised): void {
  need(Number.isFinite(scale) && scale > 0, () => `scale must be a positive number, found ${scale}`);
  needZero(zero);
}

/** What `quantise` multiplies by and adds, in float32. */
export function quantiseFactors({ scale, zero }: Quantised): { readonly ratio: number; readonly offset: number } {
  return { ratio: Math.fround(1 / scale), offset: zero + 0.5 };
}

/** Floats → integers of 7 bits, the nearest: clamp(⌊x / scale + zero + ½⌋, 0, 127). */
export const quantise: Op<Quantised> = defineOp<Quantised>({
  name: "quantise",

  shape([x], attrs) {
    needQuantised(attrs);
    return x;
  },

  dtype([x]) {
    needType("the operand", x, "f32");
    return "u7";
  },

  cost: plain({ multiplications: 1, adds: 1, comparisons: 2 }),

  reference(y, [x], attrs) {
    const { ratio, offset } = quantiseFactors(attrs);
    for (let i = 0; i < y.data.length; i++) y.data[i] = cut(scaled(x.data[i], ratio, offset), { to: "u7", low: 0, high: 127 });
  },
});

/** Integers of 7 bits → the floats that they stand for: (q − zero) · scale. */
export const dequantise: Op<Quantised> = defineOp<Quantised>({
  name: "dequantise",

  shape([x], attrs) {
    needQuantised(attrs);
    return x;
  },

  dtype([x]) {
    needType("the operand", x, "u7");
    return "f32";
  },

  cost: plain({ multiplications: 1, adds: 1 }),

  reference(y, [x], { scale, zero }) {
    for (let i = 0; i < y.data.length; i++) y.data[i] = Math.fround((x.data[i] - zero) * Math.fround(scale));
  },
});
