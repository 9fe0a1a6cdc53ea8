import { type Case, distributions, frozen, operand, positive } from "./case.ts";
import { raggedFeatures } from "./shapes.ts";

export const softmax: readonly Case[] = raggedFeatures.map((shape) => ({ operands: [operand(shape)], attrs: {} }));

export const softmaxGradient: readonly Case[] = raggedFeatures.map((shape) => ({
  operands: [operand(shape), operand(shape, distributions)],
  attrs: {},
}));

export const softmaxCrossEntropy: readonly Case[] = raggedFeatures.flatMap((shape) => [
  { operands: [operand(shape), frozen(shape, distributions)], attrs: { smoothing: 0 } },
  { operands: [operand(shape), frozen(shape, distributions)], attrs: { smoothing: 0.1 } },
  // Weighted samples: rows that do not sum to 1.
  { operands: [operand(shape), frozen(shape, positive)], attrs: { smoothing: 0.1 } },
]);

export const softmaxCrossEntropyGradient: readonly Case[] = raggedFeatures.map((shape) => ({
  operands: [operand(shape, distributions), operand(shape, distributions), operand([], positive)],
  attrs: { smoothing: 0.1 },
}));
