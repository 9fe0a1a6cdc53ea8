import type { Shape } from "../../src/core/shape.ts";
import { type Case, distinct, frozen, operand, positive, unit } from "./case.ts";
import { ragged, raggedActivations } from "./shapes.ts";

/** A shape, and one that broadcasts to it. */
const broadcasts: readonly (readonly [Shape, Shape])[] = [
  ...ragged.map((shape) => [shape, shape] as const),
  ...raggedActivations.map((shape) => [shape, [shape[0], shape[1], 1, 1]] as const),
  [
    [2, 3, 4, 5],
    [1, 3, 1, 1],
  ],
  [
    [2, 5, 3, 3],
    [2, 1, 1, 1],
  ],
  [
    [2, 5, 3, 4],
    [2, 1, 3, 4],
  ],
  [
    [3, 7],
    [1, 7],
  ],
  [
    [3, 7],
    [3, 1],
  ],
  [[2, 3, 4, 5], []],
];

export const add: readonly Case[] = broadcasts.map(([a, b]) => ({ operands: [operand(a), operand(b)], attrs: {} }));

export const multiply: readonly Case[] = broadcasts.map(([a, b]) => ({ operands: [operand(a), operand(b)], attrs: {} }));

export const divide: readonly Case[] = broadcasts.map(([a, b]) => ({ operands: [operand(a), operand(b, positive)], attrs: {} }));

export const sumTo: readonly Case[] = broadcasts.map(([a, b]) => ({ operands: [operand(a)], attrs: { shape: b } }));

export const dropout: readonly Case[] = ragged.flatMap((shape) => [
  { operands: [operand(shape), frozen(shape, unit)], attrs: { rate: 0.2 } },
  { operands: [operand(shape), frozen([shape[0], ...shape.slice(1).map(() => 1)], unit)], attrs: { rate: 0.5 } },
]);

export const maximum: readonly Case[] = ragged.map((shape) => ({ operands: [operand(shape, distinct), operand(shape)], attrs: {} }));

export const maximumGradient: readonly Case[] = ragged.flatMap((shape) =>
  ["first", "second"].map((of) => ({ operands: [operand(shape), operand(shape, distinct), operand(shape)], attrs: { of } })),
);
