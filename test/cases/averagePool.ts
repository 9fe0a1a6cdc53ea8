import type { Shape } from "../../src/core/shape.ts";
import { averagePool as op } from "../../src/ops/averagePool.ts";
import type { AveragePool } from "../../src/ops/averageWindows.ts";
import { type Case, operand } from "./case.ts";
import { raggedActivations } from "./shapes.ts";

const pools: readonly { x: Shape; attrs: AveragePool }[] = [
  { x: [1, 1, 2, 2], attrs: { kernel: [2, 2], stride: [2, 2], padding: [0, 0, 0, 0], countsPadding: true } },
  { x: [2, 3, 7, 9], attrs: { kernel: [3, 3], stride: [2, 2], padding: [1, 1, 1, 1], countsPadding: true } },
  { x: [2, 3, 7, 9], attrs: { kernel: [3, 3], stride: [2, 2], padding: [1, 1, 1, 1], countsPadding: false } },
  { x: [1, 58, 6, 6], attrs: { kernel: [3, 3], stride: [2, 2], padding: [0, 1, 0, 1], countsPadding: false } },
  { x: [3, 5, 5, 7], attrs: { kernel: [2, 3], stride: [1, 2], padding: [1, 0, 0, 2], countsPadding: true } },
  { x: [1, 7, 7, 7], attrs: { kernel: [7, 7], stride: [1, 1], padding: [0, 0, 0, 0], countsPadding: true } },
];

export const averagePool: readonly Case[] = pools.map(({ x, attrs }) => ({ operands: [operand(x)], attrs }));

export const averagePoolGradient: readonly Case[] = pools.map(({ x, attrs }) => ({
  operands: [operand(op.shapes([x], attrs)[0])],
  attrs: { ...attrs, inputShape: x },
}));

export const globalAveragePool: readonly Case[] = raggedActivations.map((shape) => ({ operands: [operand(shape)], attrs: {} }));

export const globalAveragePoolGradient: readonly Case[] = raggedActivations.map((shape) => ({
  operands: [operand([shape[0], shape[1], 1, 1])],
  attrs: { inputShape: shape },
}));
