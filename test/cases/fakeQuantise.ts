import type { Shape } from "../../src/core/shape.ts";
import { type Case, type Draw, operand, signed } from "./case.ts";
import { ragged } from "./shapes.ts";

const bytes = { scale: 0.05, zero: 30, low: 0, high: 127 } as const;
const wide = { scale: 0.02, zero: 128, low: 0, high: 255 } as const;
const positive = { scale: 0.05, zero: 0, low: 0, high: 127 } as const;
/** Steps finer than what float32 computes: behind a layer, whose sums are rounded, too, no element is a step away. */
const fine = { scale: 1e-5, zero: 0, low: -(2 ** 22), high: 2 ** 22 } as const;

/** Numbers on both sides of every bound, none within a tenth of a step of where rounding or clamping changes. */
const offGrid =
  ({ scale, zero }: { readonly scale: number; readonly zero: number }): Draw =>
  (stream, shape) => {
    const count = shape.reduce((product, extent) => product * extent, 1);
    const step = (i: number): number => Math.floor(400 * stream.uniform(2 * i)) - 100 - zero + 0.8 * (stream.uniform(2 * i + 1) - 0.5);
    return Float32Array.from({ length: count }, (_, i) => scale * step(i));
  };

const grids = [bytes, wide, positive].flatMap((attrs) => ragged.map((shape) => ({ shape, attrs, draw: offGrid(attrs) })));
const finest = { shape: [2, 5, 4, 3], attrs: fine, draw: signed };

export const fakeQuantise: readonly Case[] = [...grids, finest].map(({ shape, attrs, draw }) => ({
  operands: [operand(shape, draw)],
  attrs,
}));
export const fakeQuantiseGradient: readonly Case[] = [...grids, finest].map(({ shape, attrs, draw }) => ({
  operands: [operand(shape), operand(shape, draw)],
  attrs,
}));

const filters: readonly Shape[] = [
  [1, 1, 1, 1],
  [7, 5],
  [5, 3, 3, 3],
  [24, 1, 5, 5],
  [33, 16, 1, 1],
  [9, 1, 3, 3],
];
const nothing: Draw = (_stream, [outputs, ...rest]) => new Float32Array(rest.reduce((product, extent) => product * extent, outputs));
const small: Draw = (stream, shape) => signed(stream, shape).map((x) => 0.01 * x);
const steps: Draw = (stream, [outputs]) => Float32Array.from({ length: outputs }, (_, i) => 0.01 + 0.02 * stream.uniform(i));

const place = { input: { scale: 0.024, zero: 0 }, output: { scale: 0.05, zero: 40 } } as const;

export const wideScales: readonly Case[] = [
  ...filters.map((shape) => ({ operands: [operand(shape)], attrs: place })),
  { operands: [operand([3, 4], nothing)], attrs: place },
];

/** The last two need sums as small as there are: because of what the weights add up to, and because of what a sum begins with. */
export const narrowScales: readonly Case[] = [
  ...filters.map((shape) => ({ operands: [operand(shape), operand([shape[0]])], attrs: { ...place, least: 130 } })),
  { operands: [operand([9, 1, 3, 3], small), operand([9], small)], attrs: { ...place, least: 260 } },
  { operands: [operand([3, 1, 3, 3], nothing), operand([3])], attrs: { ...place, least: 130 } },
  { operands: [operand([40, 1, 5, 5]), operand([40])], attrs: { ...place, input: { scale: 0.03, zero: 77 }, least: 130 } },
  { operands: [operand([40, 1, 3, 3], small), operand([40])], attrs: { ...place, output: { scale: 0.001, zero: 64 }, least: 130 } },
];

export const roundToScales: readonly Case[] = [
  ...filters.map((shape) => ({ operands: [operand(shape), operand([shape[0]], steps)], attrs: { unit: 1, shift: 0 } })),
  { operands: [operand([7]), operand([7], steps)], attrs: { unit: 0.024, shift: 1.3 } },
];
