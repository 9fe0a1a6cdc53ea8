import { type Shape, size } from "../../src/core/shape.ts";
import { type Case, type Draw, type Operand, operand, unit } from "./case.ts";

interface Layer {
  readonly x: Shape;
  readonly groups: number;
  readonly init: readonly number[];
}

/** a and b of the sums where the gates are one half. */
const [two, single] = [
  [1, 0, 1, 0.5],
  [1, 0],
] as const;

/** Groups of every length, aligned to vectors and not; one group, groups of one channel, fewer channels than a vector. */
const layers: readonly Layer[] = [
  { x: [1, 1, 1, 1], groups: 1, init: two },
  { x: [2, 2, 3, 2], groups: 1, init: [1, 0.5, 0, 0.5] },
  { x: [2, 3, 2, 3], groups: 3, init: single },
  { x: [2, 5, 3, 3], groups: 1, init: single },
  { x: [2, 6, 3, 3], groups: 3, init: two },
  { x: [1, 8, 5, 5], groups: 2, init: two },
  { x: [3, 8, 1, 1], groups: 8, init: two },
  { x: [2, 12, 5, 3], groups: 4, init: single },
  { x: [2, 16, 4, 4], groups: 4, init: two },
  { x: [1, 18, 3, 3], groups: 2, init: [1, 0, 0.5, 0.5, 0.5, 0.25] },
  { x: [2, 21, 3, 2], groups: 3, init: two },
  { x: [2, 24, 3, 3], groups: 4, init: two },
  { x: [1, 30, 3, 3], groups: 2, init: single },
  { x: [2, 48, 7, 7], groups: 12, init: two },
  { x: [2, 64, 3, 3], groups: 4, init: two },
  // Several blocks of pixels.
  { x: [2, 40, 23, 17], groups: 5, init: two },
];

/** Numbers of one sign in each pixel, so that either all its sums grow with the coefficients or all fall. */
const onesided: Draw = (stream, shape) => {
  const area = shape[2] * shape[3];
  const sign = (pixel: number): number => (stream.uniform(pixel) < 0.5 ? -1 : 1);
  return Float32Array.from({ length: size(shape) }, (_, i) => sign(i % area) * (0.5 + stream.uniform(area + i)));
};

/** Gates far apart from one sum to the next, in another order for each channel: with the above, no small step changes the greatest sum. */
function ranked(sums: number): Draw {
  return (stream, [n, count]) =>
    Float32Array.from({ length: n * count }, (_, i) => {
      const channels = count / (2 * sums);
      const [part, channel] = [Math.floor((i % count) / channels), i % channels];
      return (0.9 * (((part >> 1) + channel) % sums)) / Math.max(1, sums - 1) + 0.1 * stream.uniform(i);
    });
}

function operandsOf({ x, init }: Layer): readonly Operand[] {
  return [operand(x, onesided), operand([x[0], init.length * x[1]], init.length === 2 ? unit : ranked(init.length / 2))];
}

export const dynamicShiftMax: readonly Case[] = layers.map((layer) => {
  return { operands: operandsOf(layer), attrs: { groups: layer.groups, range: 2, init: layer.init } };
});

export const dynamicShiftMaxGradient: readonly Case[] = layers.map((layer) => {
  return { operands: [...operandsOf(layer), operand(layer.x)], attrs: { groups: layer.groups, range: 2, init: layer.init } };
});
