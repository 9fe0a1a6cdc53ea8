import type { Shape } from "../../src/core/shape.ts";
import { type MaxPool, maxPool as op } from "../../src/ops/maxPool.ts";
import { type Case, distinct, operand } from "./case.ts";

const pools: readonly { x: Shape; attrs: MaxPool }[] = [
  { x: [1, 1, 2, 2], attrs: { kernel: [2, 2], stride: [2, 2], padding: [0, 0, 0, 0], isCeil: false } },
  { x: [2, 3, 7, 9], attrs: { kernel: [3, 3], stride: [2, 2], padding: [1, 1, 1, 1], isCeil: false } },
  { x: [1, 5, 8, 8], attrs: { kernel: [3, 3], stride: [2, 2], padding: [0, 0, 0, 0], isCeil: true } },
  { x: [2, 7, 6, 6], attrs: { kernel: [3, 3], stride: [2, 2], padding: [0, 1, 0, 1], isCeil: false } },
  { x: [1, 58, 5, 5], attrs: { kernel: [2, 2], stride: [2, 2], padding: [1, 1, 1, 1], isCeil: true } },
  { x: [3, 4, 5, 7], attrs: { kernel: [2, 3], stride: [1, 2], padding: [0, 0, 1, 1], isCeil: true } },
  { x: [1, 3, 4, 4], attrs: { kernel: [1, 1], stride: [3, 3], padding: [0, 0, 0, 0], isCeil: true } },
];

export const maxPool: readonly Case[] = pools.map(({ x, attrs }) => ({ operands: [operand(x, distinct)], attrs }));

export const maxPoolGradient: readonly Case[] = pools.map(({ x, attrs }) => {
  const [y] = op.shapes([x], attrs);
  return { operands: [operand(x, distinct), operand(y), operand(y)], attrs };
});
