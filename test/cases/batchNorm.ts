import { size } from "../../src/core/shape.ts";
import { always, type Case, frozen, operand, positive, signed, unit } from "./case.ts";
import { ragged } from "./shapes.ts";

const eps = 1e-5;

export const batchNorm: readonly Case[] = ragged.map((shape, i) => {
  const vector = [shape[1]];
  const statistics = [frozen(vector), frozen(vector, positive)];
  return { operands: [operand(shape), operand(vector), operand(vector), ...statistics], attrs: { eps: i % 2 === 0 ? eps : 1e-3 } };
});

export const batchNormEvalGradient: readonly Case[] = ragged.map((shape) => {
  const vector = [shape[1]];
  return { operands: [operand(shape), operand(vector), operand(vector), operand(vector, positive), operand(shape)], attrs: { eps } };
});

const batches = ragged.filter((shape) => size(shape) / shape[1] > 1);

export const batchNormTrain: readonly Case[] = batches.map((shape, i) => {
  const vector = [shape[1]];
  const states = [frozen(vector), frozen(vector, positive), frozen([], always(3))];
  return { operands: [operand(shape), operand(vector), operand(vector), ...states], attrs: { eps, momentum: i % 2 === 0 ? 0.1 : 0.01 } };
});

export const batchNormGradient: readonly Case[] = batches.map((shape) => {
  const vector = [shape[1]];
  const operands = [operand(shape, signed), operand(vector), operand(vector, unit), operand(vector, positive), operand(shape)];
  return { operands, attrs: {} };
});

export const normScale: readonly Case[] = [[1], [5], [58]].map((shape) => ({
  operands: [operand(shape), operand(shape, positive)],
  attrs: { eps },
}));
