import type { Shape } from "../../src/core/shape.ts";
import { always, type Case, operand, positive, unit } from "./case.ts";

const parameters: readonly Shape[] = [[1], [58], [7, 5], [5, 3, 3, 3], [24, 1, 5, 5], [33, 16, 1, 1]];
const rate = always(0.05);

/** Scale 0: nothing may change, not even where the gradient is not a number. */
const kept = operand([5, 3, 3, 3]);
const lost = operand([5, 3, 3, 3], always(Number.NaN));
const none = operand([], always(0));

export const gradientNorms: readonly Case[] = [
  { operands: [operand([1])], attrs: {} },
  { operands: parameters.map((shape) => operand(shape)), attrs: {} },
];

/** The last gradient vanishes, which the least norm must survive. */
export const layerRate: readonly Case[] = [
  ...parameters.map((shape) => ({ operands: [operand(shape)], attrs: { rate: 0.2 } })),
  { operands: [operand([64, 64, 3, 3])], attrs: { rate: 0.5 } },
  { operands: [operand([5, 3, 3, 3], always(0))], attrs: { rate: 0.2 } },
];

export const clipScale: readonly Case[] = [
  { operands: [operand([1], positive)], attrs: { maxNorm: 0 } },
  { operands: [operand([5], positive)], attrs: { maxNorm: 1 } },
  { operands: [operand([5], positive)], attrs: { maxNorm: 100 } },
  { operands: [operand([3], always(Number.POSITIVE_INFINITY))], attrs: { maxNorm: 1 } },
  { operands: [operand([3], always(Number.NaN))], attrs: { maxNorm: 0 } },
];

export const sgd: readonly Case[] = [
  ...parameters.flatMap((shape) =>
    [
      { momentum: 0, nesterov: false, weightDecay: 0 },
      { momentum: 0.9, nesterov: false, weightDecay: 4e-5 },
      { momentum: 0.9, nesterov: true, weightDecay: 1e-2 },
    ].map((attrs) => ({ operands: [operand(shape), operand(shape), operand(shape), operand([], rate), operand([], positive)], attrs })),
  ),
  { operands: [kept, lost, kept, operand([], rate), none], attrs: { momentum: 0.9, nesterov: true, weightDecay: 0.1 } },
];

export const rmsprop: readonly Case[] = [
  ...parameters.flatMap((shape) =>
    [
      { decay: 0.9, eps: 1, momentum: 0.9, weightDecay: 4e-5 },
      { decay: 0.99, eps: 1e-3, momentum: 0, weightDecay: 0 },
    ].map((attrs) => ({
      operands: [operand(shape), operand(shape), operand(shape, positive), operand(shape), operand([], rate), operand([], positive)],
      attrs,
    })),
  ),
  { operands: [kept, lost, kept, kept, operand([], rate), none], attrs: { decay: 0.9, eps: 1, momentum: 0.9, weightDecay: 0.1 } },
];

export const adamw: readonly Case[] = [
  ...parameters.flatMap((shape) =>
    [1, 7].map((step) => ({
      operands: [
        ...[operand(shape), operand(shape), operand(shape), operand(shape, positive)],
        ...[operand([], rate), operand([], always(step)), operand([], positive)],
      ],
      attrs: { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.05 },
    })),
  ),
  {
    operands: [kept, lost, kept, kept, operand([], rate), operand([], always(3)), none],
    attrs: { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.1 },
  },
];

export const ema: readonly Case[] = parameters.map((shape) => ({
  operands: [operand(shape), operand(shape), operand([], unit)],
  attrs: {},
}));
