import { type Case, type Draw, operand } from "./case.ts";

export const concat: readonly Case[] = [
  { operands: [operand([1, 1, 1, 1]), operand([1, 1, 1, 1])], attrs: { axis: 1 } },
  { operands: [operand([2, 3, 5, 7]), operand([2, 5, 5, 7])], attrs: { axis: 1 } },
  { operands: [operand([1, 58, 4, 4]), operand([1, 58, 4, 4])], attrs: { axis: 1 } },
  { operands: [operand([3, 4, 3, 3]), operand([3, 7, 3, 3]), operand([3, 1, 3, 3])], attrs: { axis: 1 } },
  { operands: [operand([2, 64, 3, 3]), operand([2, 64, 3, 3])], attrs: { axis: 1 } },
  { operands: [operand([2, 3]), operand([2, 4])], attrs: { axis: 1 } },
];

export const slice: readonly Case[] = [
  { operands: [operand([1, 1, 2, 2])], attrs: { start: 0, length: 1, axis: 1 } },
  { operands: [operand([2, 5, 3, 3])], attrs: { start: 1, length: 3, axis: 1 } },
  { operands: [operand([1, 116, 4, 4])], attrs: { start: 58, length: 58, axis: 1 } },
  { operands: [operand([3, 16, 5, 1])], attrs: { start: 0, length: 8, axis: 1 } },
  { operands: [operand([2, 7])], attrs: { start: 4, length: 3, axis: 1 } },
];

export const padChannels: readonly Case[] = [
  { operands: [operand([1, 1, 2, 2])], attrs: { before: 0, after: 0 } },
  { operands: [operand([2, 3, 3, 5])], attrs: { before: 1, after: 2 } },
  { operands: [operand([1, 58, 4, 4])], attrs: { before: 58, after: 0 } },
  { operands: [operand([3, 8, 2, 2])], attrs: { before: 0, after: 8 } },
  { operands: [operand([2, 5])], attrs: { before: 2, after: 0 } },
];

export const channelShuffle: readonly Case[] = [
  { operands: [operand([1, 1, 1, 1])], attrs: { groups: 1 } },
  { operands: [operand([2, 6, 3, 5])], attrs: { groups: 2 } },
  { operands: [operand([1, 116, 4, 4])], attrs: { groups: 2 } },
  { operands: [operand([3, 15, 2, 3])], attrs: { groups: 5 } },
  { operands: [operand([1, 24, 3, 3])], attrs: { groups: 3 } },
];

export const reshape: readonly Case[] = [
  { operands: [operand([2, 5, 1, 1])], attrs: { shape: [2, 5] } },
  { operands: [operand([2, 5])], attrs: { shape: [2, 5, 1, 1] } },
  { operands: [operand([1, 3, 4, 5])], attrs: { shape: [1, 60] } },
  { operands: [operand([3, 12])], attrs: { shape: [3, 3, 2, 2] } },
  { operands: [operand([2, 6, 2, 3])], attrs: { shape: [2, 2, 3, 6] } },
];

export const permute: readonly Case[] = [
  { operands: [operand([2, 3, 5, 7])], attrs: { axes: [0, 2, 3, 1] } },
  { operands: [operand([1, 9, 1, 4])], attrs: { axes: [0, 3, 1, 2] } },
  { operands: [operand([2, 6, 5])], attrs: { axes: [0, 2, 1] } },
  { operands: [operand([2, 2, 3, 4, 5])], attrs: { axes: [0, 3, 1, 4, 2] } },
  { operands: [operand([1, 2, 3, 2, 3, 2])], attrs: { axes: [0, 1, 4, 2, 5, 3] } },
  { operands: [operand([3, 4])], attrs: { axes: [0, 1] } },
];

/** Every way of choosing places: between pixels, on them, beyond the ends, backwards. */
const places: Draw = (stream, [count]) =>
  Float32Array.from({ length: count }, (_, i) => (i % 3 === 1 ? Math.floor : (x: number) => x)(9 * stream.uniform(i) - 1));

export const resample: readonly Case[] = [
  [
    [2, 3, 5, 7],
    [4, 9],
  ],
  [
    [1, 8, 1, 3],
    [2, 1],
  ],
  [
    [1, 18, 6, 1],
    [13, 5],
  ],
].map(([shape, counts]) => ({ operands: [operand(shape), ...counts.map((count) => operand([count], places))], attrs: {} }));
