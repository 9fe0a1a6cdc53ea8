/**
 * How large the unit of each output's weights of 8 bits is. In sums of 32 bits the largest becomes 127, unless blocks of products leave 16 bits. Sums of 16
 * bits go back to bytes by a factor in parts of 2¹⁵, so the unit is such a multiple of the scales' ratio, large enough for no sum to overflow.
 */
import { need } from "../core/errors.ts";
import { formatShape, size } from "../core/shape.ts";
import type { ReferenceTensor } from "../core/tensor.ts";
import type { Quantised } from "../ir/integer.ts";
import { defineOp, type Op } from "../ir/op.ts";
import { wholly } from "./cost.ts";
import { blockTotal, MOST_WEIGHT, signedTotal } from "./integerSums.ts";

/** The largest weight of 8 bits, and the largest factor and sum of 16. */
export const [MOST, MOST_SHORT] = [127, 32_767] as const;
/** Factors are in parts of this. */
export const UNIT = 32_768;

/** Where the sums of an output's products come from and go to. */
export interface ScalePlace {
  readonly input: Quantised;
  readonly output: Quantised;
}

/** The same for sums of 16 bits; from the factor `least` on, a saturated sum is beyond every result. */
export interface NarrowPlace extends ScalePlace {
  readonly least: number;
}

function largest(weights: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < weights.length; i++) most = Math.max(most, Math.abs(weights[i]));
  return most;
}

/** Weights in units of `scale`. */
function integersOf(weights: ArrayLike<number>, scale: number): Int8Array {
  return Int8Array.from(weights, (weight) => Math.max(-MOST, Math.min(MOST, Math.round(weight / scale))));
}

/** Weights of an output, and their unit. */
export interface Rounded {
  readonly integers: Int8Array;
  readonly scale: number;
}

/**
 * The finest filter, [inputs][taps], for sums of 32 bits of which blocks are added up in 16 (integerSums.ts); weights that are all 0 have the unit of a
 * factor of 1.
 */
export function wideFilter(weights: ArrayLike<number>, taps: number, { input, output }: ScalePlace): Rounded {
  let scale = largest(weights) / MOST || output.scale / input.scale / UNIT;
  for (;;) {
    const integers = integersOf(weights, scale);
    const total = blockTotal(integers, taps);
    if (total <= MOST_WEIGHT) return { integers, scale };
    scale *= Math.max(total / MOST_WEIGHT, 1.001);
  }
}

/** Sum of integers. */
export function totalOf(integers: Int8Array): number {
  let sum = 0;
  for (const weight of integers) sum += weight;
  return sum;
}

/** A filter for sums of 16 bits. */
export interface Narrow extends Rounded {
  /** What sums begin with. */
  readonly bias: number;
  readonly factor: number;
}

/** The finest filter whose sums fit; `biasFor` gives the bias that goes with rounded weights. What no factor holds becomes weights of 0. */
export function narrowFilter(
  weights: ArrayLike<number>,
  biasFor: (integers: Int8Array, scale: number) => number,
  { input, output, least }: NarrowPlace,
): Narrow {
  const perFactor = output.scale / input.scale / UNIT;
  let factor = Math.max(Math.ceil(largest(weights) / MOST / perFactor), least);
  for (;;) {
    factor = Math.min(factor, MOST_SHORT);
    const scale = factor * perFactor;
    const integers = integersOf(weights, scale);
    const offset = ((biasFor(integers, scale) / output.scale + output.zero) * UNIT) / factor;
    const bias = Math.round(offset - input.zero * totalOf(integers));
    const excess = Math.max(signedTotal(integers) / MOST_WEIGHT, Math.abs(bias) / MOST_SHORT);
    if (excess <= 1) return { integers, bias, factor, scale };
    if (factor === MOST_SHORT) return { integers: integers.fill(0), bias: Math.sign(bias) * MOST_SHORT, factor, scale };
    factor = Math.ceil(factor * Math.max(excess, 1.001));
  }
}

function eachFilter({ shape, data }: ReferenceTensor, visit: (weights: Float64Array, output: number) => number): number[] {
  const length = size(shape.slice(1));
  return Array.from({ length: shape[0] }, (_, o) => visit(data.subarray(o * length, (o + 1) * length), o));
}

/** Weight [out, …] → [out]: the unit of each output's weights in sums of 32 bits. */
export const wideScales: Op<ScalePlace> = defineOp<ScalePlace>({
  name: "wideScales",
  weightInputs: [0],
  shape: ([weight]) => [weight[0]],
  // For one try of a unit; most filters need no second.
  cost: wholly({ multiplications: 1, adds: 2, comparisons: 3 }),

  reference(y, [weight], place) {
    const taps = size(weight.shape.slice(2));
    y.data.set(eachFilter(weight, (each) => wideFilter(each, taps, place).scale));
  },
});

/** (weight [out, 1, kh, kw], bias [out]) → [out]: the unit of each output's weights in sums of 16 bits. */
export const narrowScales: Op<NarrowPlace> = defineOp<NarrowPlace>({
  name: "narrowScales",
  weightInputs: [0],

  shape([weight, bias]) {
    const isFit = bias.length === 1 && bias[0] === weight[0];
    need(isFit, () => `the bias is ${formatShape(bias)}, but ${weight[0]} outputs need [${weight[0]}]`);
    return bias;
  },

  // For one try of a factor; most filters need no second.
  cost: wholly({ multiplications: 1, adds: 2, comparisons: 3 }),

  reference: (y, [weight, bias], place) => y.data.set(eachFilter(weight, (each, o) => narrowFilter(each, () => bias.data[o], place).scale)),
});
