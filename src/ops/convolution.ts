import { need } from "../core/errors.ts";
import { formatShape, isSameShape, type Shape, size } from "../core/shape.ts";
import type { Cost } from "../ir/op.ts";
import { tapsCost } from "./cost.ts";
import { needSimilarity, type Similar, type TapCost } from "./similarity.ts";
import { type Extent2, needImages, type Padding, type Window, windowCounts } from "./window.ts";

/** Attributes of a convolution and of its gradients. */
export interface Convolution extends Similar {
  readonly stride: Extent2;
  readonly padding: Padding;
  readonly groups: number;
}

/** A convolution that may read its input shuffled. */
export interface ShuffledConvolution extends Convolution {
  /** Groups of the channel shuffles that the input goes through first, one after the other. Default: none. */
  readonly shuffles?: readonly number[];
}

/** The window that a weight [out, in / groups, kh, kw] slides. */
function windowOf(weight: Shape, { stride, padding }: Convolution): Window {
  return { kernel: [weight[2], weight[3]], stride, padding };
}

/** Shape [n, out, oh, ow] of a convolution's output; refuses operands that do not fit. */
export function convolvedShape(x: Shape, weight: Shape, attrs: Convolution): Shape {
  const { groups } = attrs;
  needImages("the input", x);
  need(weight.length === 4, () => `the weight must be [out, in / groups, kh, kw], found ${formatShape(weight)}`);
  need(Number.isInteger(groups) && groups > 0, () => `groups must be a positive integer, found ${groups}`);
  needSimilarity(attrs);
  need(weight[0] % groups === 0, () => `groups (${groups}) must divide the output channels (${weight[0]})`);
  const needed = weight[1] * groups;
  need(x[1] === needed, () => {
    return `input has ${x[1]} channels, but weight ${formatShape(weight)} with groups=${groups} needs ${needed}`;
  });
  return [x[0], weight[0], ...windowCounts([x[2], x[3]], windowOf(weight, attrs))];
}

/** Refuses a gradient whose shape is not that of the convolution's output. */
export function needOutputGradient(dy: Shape, x: Shape, weight: Shape, attrs: Convolution): void {
  const needed = convolvedShape(x, weight, attrs);
  need(isSameShape(dy, needed), () => `the output's gradient is ${formatShape(dy)}, needed ${formatShape(needed)}`);
}

/** Cost of a convolution, or of one of its gradients: every tap of every output element once. */
export function convolutionCost(y: Shape, weight: Shape, tap: TapCost, inputs: readonly Shape[], outputs: readonly Shape[]): Cost {
  return tapsCost(size(y) * weight[1] * weight[2] * weight[3], tap, inputs, outputs);
}

/** Sizes that the three loops of a convolution share. `paddedX` counts the elements of one padded image. */
interface Loops {
  readonly x: Shape;
  readonly weight: Shape;
  readonly y: Shape;
  readonly attrs: Convolution;
}

/** Elements of one padded plane of the input, [rows, columns]. */
export function paddedExtent(x: Shape, [top, bottom, left, right]: Padding): Extent2 {
  return [x[2] + top + bottom, x[3] + left + right];
}

/**
 * Visits every (filter tap, output row) pair of one image. `tap` indexes the weight; `yRow` is the row's first element in the image's output;
 * the pixel under output column i is `xRow + i · stride[1]` in the image's padded input.
 */
export function eachTapRow({ x, weight, y, attrs }: Loops, visit: (tap: number, yRow: number, xRow: number) => void): void {
  const [out, inner, kh, kw] = weight;
  const [, , oh, ow] = y;
  const [height, width] = paddedExtent(x, attrs.padding);
  const outPerGroup = out / attrs.groups;
  const rowStep = attrs.stride[0] * width;
  for (let o = 0; o < out; o++) {
    const firstChannel = Math.floor(o / outPerGroup) * inner;
    for (let i = 0; i < inner; i++) {
      for (let ky = 0; ky < kh; ky++) {
        for (let kx = 0; kx < kw; kx++) {
          const tap = ((o * inner + i) * kh + ky) * kw + kx;
          const corner = ((firstChannel + i) * height + ky) * width + kx;
          for (let oy = 0; oy < oh; oy++) visit(tap, (o * oh + oy) * ow, corner + oy * rowStep);
        }
      }
    }
  }
}
