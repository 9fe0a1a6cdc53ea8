import type { Shape } from "../../src/core/shape.ts";
import { type ChannelConvolution, channelConvolvedShape } from "../../src/ops/channelConvolution.ts";
import { type Case, operand } from "./case.ts";

interface Layer extends ChannelConvolution {
  readonly x: Shape;
  readonly weight: Shape;
}

const layers: readonly Layer[] = [
  { x: [1, 1, 1, 1], weight: [1, 1, 1, 1, 1], stride: 1, padding: [0, 0] },
  // Groups: as many kernels as the stride.
  { x: [2, 8, 3, 2], weight: [2, 1, 4, 1, 1], stride: 2, padding: [1, 1] },
  { x: [2, 9, 2, 3], weight: [3, 1, 5, 1, 1], stride: 3, padding: [1, 1] },
  { x: [1, 52, 3, 3], weight: [2, 1, 8, 1, 1], stride: 2, padding: [3, 3] },
  // One kernel along all channels, as many outputs as inputs.
  { x: [2, 7, 3, 4], weight: [1, 1, 5, 1, 1], stride: 1, padding: [2, 2] },
  { x: [1, 70, 2, 2], weight: [1, 1, 64, 1, 1], stride: 1, padding: [31, 32] },
  { x: [1, 5, 2, 2], weight: [1, 1, 16, 1, 1], stride: 1, padding: [7, 8] },
  // Classification: the whole map, or part of it.
  { x: [2, 11, 4, 4], weight: [1, 1, 8, 4, 4], stride: 1, padding: [0, 0] },
  { x: [1, 9, 5, 4], weight: [2, 1, 3, 3, 2], stride: 1, padding: [0, 1] },
  // Windows apart, channels that no window reaches, strides beyond the kernel.
  { x: [1, 10, 2, 1], weight: [2, 1, 2, 1, 1], stride: 4, padding: [3, 0] },
  { x: [2, 23, 3, 3], weight: [3, 1, 6, 2, 3], stride: 5, padding: [9, 2] },
];

function outputOf({ x, weight, ...attrs }: Layer): Shape {
  return channelConvolvedShape(x, weight, attrs);
}

export const channelConv: readonly Case[] = layers.map(({ x, weight, ...attrs }) => ({ operands: [operand(x), operand(weight)], attrs }));

export const channelConvInputGradient: readonly Case[] = layers.map((layer) => {
  const { x, weight, ...attrs } = layer;
  return { operands: [operand(outputOf(layer)), operand(weight)], attrs: { ...attrs, inputShape: x } };
});

export const channelConvWeightGradient: readonly Case[] = layers.map((layer) => {
  const { x, weight, ...attrs } = layer;
  return { operands: [operand(x), operand(outputOf(layer))], attrs: { ...attrs, weightShape: weight } };
});
