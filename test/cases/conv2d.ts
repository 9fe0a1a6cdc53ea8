import type { Shape } from "../../src/core/shape.ts";
import { type Convolution, convolvedShape, type ShuffledConvolution } from "../../src/ops/convolution.ts";
import { type Similar, similarityGradient } from "../../src/ops/similarity.ts";
import type { Extent2, Padding } from "../../src/ops/window.ts";
import { type Case, type Draw, gridded, operand, signed } from "./case.ts";

interface Layer {
  readonly x: Shape;
  readonly weight: Shape;
  readonly stride?: Extent2;
  readonly padding?: Padding;
  readonly groups?: number;
  readonly hasBias?: boolean;
  readonly shuffles?: readonly number[];
}

const layers: readonly Layer[] = [
  // Pointwise, with channels around the vector width.
  { x: [1, 1, 1, 1], weight: [1, 1, 1, 1] },
  { x: [2, 3, 5, 7], weight: [5, 3, 1, 1], hasBias: true },
  { x: [1, 16, 7, 7], weight: [24, 16, 1, 1] },
  { x: [3, 58, 3, 5], weight: [58, 58, 1, 1], hasBias: true },
  { x: [2, 7, 9, 9], weight: [3, 7, 1, 1], stride: [2, 2] },
  { x: [1, 132, 4, 4], weight: [33, 132, 1, 1] },
  { x: [2, 24, 1, 1], weight: [8, 24, 1, 1], hasBias: true },
  // Stems and ordinary windows: symmetric, asymmetric and TensorFlow-SAME padding.
  { x: [1, 3, 11, 9], weight: [8, 3, 3, 3], stride: [2, 2], padding: [1, 1, 1, 1] },
  { x: [2, 3, 8, 8], weight: [16, 3, 3, 3], stride: [2, 2], padding: [0, 1, 0, 1] },
  { x: [2, 1, 28, 28], weight: [8, 1, 3, 3], padding: [1, 1, 1, 1], hasBias: true },
  { x: [1, 5, 6, 7], weight: [7, 5, 3, 3], padding: [1, 1, 1, 1] },
  { x: [3, 4, 9, 5], weight: [5, 4, 5, 5], padding: [2, 2, 2, 2], stride: [2, 2] },
  { x: [1, 3, 13, 13], weight: [6, 3, 7, 7], stride: [2, 2], padding: [3, 3, 3, 3] },
  { x: [2, 5, 7, 6], weight: [3, 5, 1, 3], padding: [0, 0, 1, 1] },
  { x: [2, 5, 7, 6], weight: [4, 5, 3, 1], padding: [1, 1, 0, 0], hasBias: true },
  { x: [1, 2, 5, 5], weight: [3, 2, 2, 4], stride: [1, 2], padding: [2, 0, 1, 3] },
  { x: [1, 3, 4, 4], weight: [2, 3, 4, 4] },
  { x: [1, 20, 12, 12], weight: [20, 20, 3, 3], padding: [1, 1, 1, 1] },
  { x: [1, 20, 7, 9], weight: [20, 20, 3, 3], padding: [1, 1, 1, 1], hasBias: true },
  // Strides that leave pixels over, or reach padding only.
  { x: [2, 6, 11, 10], weight: [5, 6, 3, 3], stride: [3, 3], padding: [1, 0, 2, 1] },
  { x: [1, 4, 9, 8], weight: [8, 4, 2, 2], stride: [2, 2] },
  { x: [2, 3, 3, 2], weight: [4, 3, 5, 4], stride: [3, 4], padding: [4, 3, 3, 4] },
  { x: [1, 8, 10, 11], weight: [6, 8, 2, 3], stride: [4, 3], padding: [1, 1, 0, 2] },
  // Depthwise.
  { x: [1, 1, 5, 5], weight: [1, 1, 3, 3], padding: [1, 1, 1, 1] },
  { x: [2, 5, 6, 7], weight: [5, 1, 3, 3], padding: [1, 1, 1, 1], groups: 5, hasBias: true },
  { x: [1, 58, 9, 9], weight: [58, 1, 3, 3], stride: [2, 2], padding: [1, 1, 1, 1], groups: 58 },
  { x: [3, 16, 14, 14], weight: [16, 1, 3, 3], stride: [2, 2], padding: [0, 1, 0, 1], groups: 16 },
  { x: [2, 24, 7, 7], weight: [24, 1, 5, 5], padding: [2, 2, 2, 2], groups: 24 },
  { x: [1, 7, 10, 8], weight: [7, 1, 5, 5], stride: [2, 2], padding: [1, 2, 1, 2], groups: 7 },
  { x: [1, 12, 2, 2], weight: [12, 1, 3, 3], padding: [1, 1, 1, 1], groups: 12 },
  { x: [1, 4, 3, 3], weight: [4, 1, 3, 3], padding: [2, 2, 2, 2], groups: 4 },
  // Grouped, and depthwise with a channel multiplier.
  { x: [2, 6, 5, 5], weight: [4, 3, 3, 3], padding: [1, 1, 1, 1], groups: 2 },
  { x: [1, 24, 6, 6], weight: [12, 8, 1, 1], groups: 3, hasBias: true },
  { x: [2, 15, 5, 4], weight: [10, 3, 1, 1], groups: 5 },
  { x: [1, 16, 5, 5], weight: [16, 4, 3, 3], padding: [1, 1, 1, 1], stride: [2, 2], groups: 4 },
  { x: [2, 3, 5, 5], weight: [6, 1, 3, 3], padding: [1, 1, 1, 1], groups: 3 },
];

/** Groups that read shuffled channels: panels within groups and across them, windows, strides, several shuffles, channels around the vector width. */
const shuffled: readonly Layer[] = [
  { x: [2, 24, 5, 3], weight: [12, 8, 1, 1], groups: 3, shuffles: [3], hasBias: true },
  { x: [1, 64, 7, 7], weight: [32, 16, 1, 1], groups: 4, shuffles: [2] },
  { x: [1, 512, 4, 4], weight: [32, 128, 1, 1], groups: 4, shuffles: [256] },
  { x: [2, 12, 5, 4], weight: [24, 1, 3, 1], stride: [2, 1], padding: [1, 1, 0, 0], groups: 12, shuffles: [4, 6] },
  { x: [1, 18, 6, 5], weight: [6, 6, 3, 3], padding: [1, 1, 1, 1], groups: 3, shuffles: [9, 2, 3], hasBias: true },
  { x: [2, 32, 5, 6], weight: [32, 16, 3, 3], padding: [1, 0, 2, 1], stride: [2, 2], groups: 2, shuffles: [8] },
];

/** The layers on which the other similarities are compared: every path of the kernels once. */
const few: readonly Layer[] = [
  { x: [1, 1, 1, 1], weight: [1, 1, 1, 1] },
  { x: [2, 3, 5, 7], weight: [5, 3, 1, 1], hasBias: true },
  { x: [3, 58, 3, 5], weight: [58, 58, 1, 1] },
  { x: [2, 7, 9, 9], weight: [3, 7, 1, 1], stride: [2, 2] },
  { x: [2, 24, 1, 1], weight: [8, 24, 1, 1], hasBias: true },
  { x: [2, 3, 8, 8], weight: [16, 3, 3, 3], stride: [2, 2], padding: [0, 1, 0, 1] },
  { x: [1, 5, 6, 7], weight: [7, 5, 3, 3], padding: [1, 1, 1, 1], hasBias: true },
  { x: [1, 2, 5, 5], weight: [3, 2, 2, 4], stride: [1, 2], padding: [2, 0, 1, 3] },
  { x: [1, 20, 12, 12], weight: [20, 20, 3, 3], padding: [1, 1, 1, 1] },
  { x: [1, 20, 7, 9], weight: [20, 20, 3, 3], padding: [1, 1, 1, 1], hasBias: true },
  { x: [2, 5, 6, 7], weight: [5, 1, 3, 3], padding: [1, 1, 1, 1], groups: 5, hasBias: true },
  { x: [1, 58, 9, 9], weight: [58, 1, 3, 3], stride: [2, 2], padding: [1, 1, 1, 1], groups: 58 },
  { x: [2, 24, 7, 7], weight: [24, 1, 5, 5], padding: [2, 2, 2, 2], groups: 24 },
  { x: [1, 6, 13, 12], weight: [6, 1, 11, 11], padding: [5, 5, 5, 5], groups: 6 },
  { x: [2, 6, 5, 5], weight: [4, 3, 3, 3], padding: [1, 1, 1, 1], groups: 2 },
  { x: [2, 15, 5, 4], weight: [10, 3, 1, 1], groups: 5 },
  { x: [1, 16, 5, 5], weight: [16, 4, 3, 3], padding: [1, 1, 1, 1], stride: [2, 2], groups: 4 },
  { x: [1, 32, 5, 5], weight: [16, 16, 3, 3], padding: [1, 1, 1, 1], groups: 2 },
  { x: [2, 6, 11, 10], weight: [4, 3, 3, 3], stride: [3, 2], padding: [1, 0, 2, 1], groups: 2 },
];

/** A layer with a similarity and one of its gradients. */
interface Similarly {
  readonly layer: Layer;
  readonly attrs: ShuffledConvolution;
}

function attrsOf(
  { stride = [1, 1], padding = [0, 0, 0, 0], groups = 1, shuffles }: Layer,
  similar: Similar = { similarity: "product" },
): ShuffledConvolution {
  return { stride, padding, groups, ...similar, ...(shuffles ? { shuffles } : {}) };
}

const others: readonly Similar[] = [
  { similarity: "l1" },
  { similarity: "mitchell" },
  { similarity: "mitchell", gradient: "exact" },
  { similarity: "mitchell", gradient: "ste" },
];

/** Every similarity; gradients that the forward pass does not look at are compared in the gradients' cases only. */
const forward: readonly Similarly[] = [
  ...[...layers, ...shuffled].map((layer) => ({ layer, attrs: attrsOf(layer) })),
  ...others
    .slice(0, 3)
    .flatMap((similar) =>
      [...few, ...shuffled.slice(0, 1), ...shuffled.slice(4)].map((layer) => ({ layer, attrs: attrsOf(layer, similar) })),
    ),
];
const backward: readonly Similarly[] = [
  ...layers.map((layer) => ({ layer, attrs: attrsOf(layer) })),
  ...others.flatMap((similar) => few.map((layer) => ({ layer, attrs: attrsOf(layer, similar) }))),
];

function outputOf({ layer, attrs }: Similarly): Shape {
  return convolvedShape(layer.x, layer.weight, attrs);
}

/** Products of Mitchell's bend where mantissas add up to 1; a finite difference must not step over that. */
function drawOf({ similarity }: Convolution): Draw {
  return similarity === "mitchell" ? gridded : signed;
}

export const conv2d: readonly Case[] = forward.map(({ layer, attrs }) => {
  const operands = [operand(layer.x, drawOf(attrs)), operand(layer.weight, drawOf(attrs))];
  return { operands: layer.hasBias ? [...operands, operand([layer.weight[0]])] : operands, attrs };
});

export const conv2dInputGradient: readonly Case[] = backward.map((each) => {
  const operands = [operand(outputOf(each)), operand(each.layer.weight)];
  const own = similarityGradient(each.attrs).isBilinear ? [] : [operand(each.layer.x)];
  return { operands: [...operands, ...own], attrs: { ...each.attrs, inputShape: each.layer.x } };
});

export const conv2dWeightGradient: readonly Case[] = backward.map((each) => {
  const operands = [operand(each.layer.x), operand(outputOf(each))];
  const own = similarityGradient(each.attrs).isBilinear ? [] : [operand(each.layer.weight)];
  return { operands: [...operands, ...own], attrs: { ...each.attrs, weightShape: each.layer.weight } };
});
