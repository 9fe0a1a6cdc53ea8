import type { DType } from "../../src/core/dtype.ts";
import { random, type Stream } from "../../src/core/random.ts";
import { type Shape, size } from "../../src/core/shape.ts";
import type { Tensor } from "../../src/core/tensor.ts";

/** Fills an operand. */
export type Draw = (stream: Stream, shape: Shape) => Float32Array;

/** One operand of a case: its shape and what it holds. `isFrozen`: the op sends it no gradient. */
export interface Operand {
  readonly shape: Shape;
  readonly draw: Draw;
  readonly isFrozen?: true;
  readonly dtype?: DType;
}

/** Operands and attributes on which an op is compared, gradient-checked, costed and timed. */
export interface Case {
  readonly operands: readonly Operand[];
  readonly attrs: object;
}

function each(element: (stream: Stream, i: number) => number): Draw {
  return (stream, shape) => Float32Array.from({ length: size(shape) }, (_, i) => element(stream, i));
}

/** Uniform in [-2, 2). */
export const signed: Draw = each((stream, i) => 4 * stream.uniform(i) - 2);
/** Uniform in [0.5, 1.5): variances. */
export const positive: Draw = each((stream, i) => 0.5 + stream.uniform(i));
/** Uniform in [0, 1): noise. */
export const unit: Draw = each((stream, i) => stream.uniform(i));

/** Values at least 1/8 apart in every window, so that a small step changes no maximum. */
export const distinct: Draw = each((stream, i) => ((i * 37) % 101) / 8 + stream.uniform(i) / 32 - 6);

/** Uniform in [-8, 8), but at least 1/8 away from each kink. */
export function avoiding(...kinks: readonly number[]): Draw {
  return each((stream, i) => {
    const x = 16 * stream.uniform(i) - 8;
    const kink = kinks.find((each) => Math.abs(x - each) < 0.125);
    return kink === undefined ? x : kink + (x < kink ? -0.25 : 0.25);
  });
}

/** Numbers ±2ⁿ · (1 + x) of few n, the mantissas x of any two of them at least 1/32 away from where their sum is 0 or 1. */
export const gridded: Draw = each((stream, i) => {
  const power = 2 ** (Math.floor(4 * stream.uniform(3 * i)) - 2);
  const mantissa = Math.floor(16 * stream.uniform(3 * i + 1)) / 16 + 1 / 64;
  return (stream.uniform(3 * i + 2) < 0.5 ? -1 : 1) * power * (1 + mantissa);
});

/** Rows of positive numbers whose sum is 1. */
export const distributions: Draw = (stream, shape) => {
  const rows = positive(stream, shape);
  const length = shape[1];
  for (let from = 0; from < rows.length; from += length) {
    const row = rows.subarray(from, from + length);
    const sum = row.reduce((total, element) => total + element, 0);
    for (let i = 0; i < length; i++) row[i] /= sum;
  }
  return rows;
};

/** Always the same number. */
export function always(value: number): Draw {
  return each(() => value);
}

/** An operand; uniform in [-2, 2) if not said otherwise. */
export function operand(shape: Shape, draw: Draw = signed): Operand {
  return { shape, draw };
}

/** An operand that receives no gradient. */
export function frozen(shape: Shape, draw: Draw = signed): Operand {
  return { shape, draw, isFrozen: true };
}

/** What operand i of a case holds: the same numbers on every machine. */
export function drawOperand(op: string, { shape, draw }: Operand, i: number): Tensor {
  return { shape, data: draw(random(1, `${op}.${i}.${shape.join("x")}`), shape) };
}

/** A case in a test's name: `[2, 3, 5, 5] [8, 3, 3, 3] {"stride":[2,2]}`. */
export function describeCase({ operands, attrs }: Case): string {
  const shapes = operands.map(({ shape }) => `[${shape.join(", ")}]`).join(" ");
  return Object.keys(attrs).length === 0 ? shapes : `${shapes} ${JSON.stringify(attrs)}`;
}
