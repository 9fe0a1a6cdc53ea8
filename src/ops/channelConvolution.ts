import { need } from "../core/errors.ts";
import { formatShape, isSameShape, type Shape, size } from "../core/shape.ts";
import type { Cost } from "../ir/op.ts";
import { touched } from "./cost.ts";
import { needImages } from "./window.ts";

/** Attributes of a convolution along the channels and of its gradients. */
export interface ChannelConvolution {
  /** Channels from one window to the next. */
  readonly stride: number;
  /** Channels of zeros before the first and after the last one. */
  readonly padding: readonly [before: number, after: number];
}

/** Windows of `length` channels along the padded channels. */
function windowsAlong(channels: number, length: number, { stride, padding: [before, after] }: ChannelConvolution): number {
  return Math.floor((channels + before + after - length) / stride) + 1;
}

/** Shape [n, kernels · windows, h − kh + 1, w − kw + 1] of the output; refuses operands that do not fit. */
export function channelConvolvedShape(x: Shape, weight: Shape, attrs: ChannelConvolution): Shape {
  const { stride, padding } = attrs;
  needImages("the input", x);
  const isFilter = weight.length === 5 && weight[1] === 1 && weight.every((extent) => extent > 0);
  need(isFilter, () => `the weight must be [kernels, 1, length, kh, kw], found ${formatShape(weight)}`);
  need(Number.isInteger(stride) && stride > 0, () => `stride must be a positive integer, found ${stride}`);
  const isPadding = padding.length === 2 && padding.every((extent) => Number.isInteger(extent) && extent >= 0);
  need(isPadding, () => `padding must be two integers from 0 on [before, after], found ${formatShape(padding)}`);
  const [kernels, , length, kh, kw] = weight;
  const padded = x[1] + padding[0] + padding[1];
  need(padded >= length, () => `the padded channels (${padded}) are fewer than the kernel's length (${length})`);
  need(x[2] >= kh && x[3] >= kw, () => `the image (${x[2]}×${x[3]}) is smaller than the kernel (${kh}×${kw})`);
  return [x[0], kernels * windowsAlong(x[1], length, attrs), x[2] - kh + 1, x[3] - kw + 1];
}

/** Refuses a gradient whose shape is not that of the output. */
export function needChannelGradient(dy: Shape, x: Shape, weight: Shape, attrs: ChannelConvolution): void {
  const needed = channelConvolvedShape(x, weight, attrs);
  need(isSameShape(dy, needed), () => `the output's gradient is ${formatShape(dy)}, needed ${formatShape(needed)}`);
}

/** Cost of the convolution or of one of its gradients: every tap of every output element once, those on padding too (as for images). */
export function channelConvolutionCost(y: Shape, [, , length, kh, kw]: Shape, inputs: readonly Shape[], outputs: readonly Shape[]): Cost {
  return { macs: size(y) * length * kh * kw, adds: 0, moved: touched(inputs, outputs) };
}

/** Shapes that the loops share. */
interface Loops {
  readonly x: Shape;
  readonly weight: Shape;
  readonly y: Shape;
  readonly attrs: ChannelConvolution;
}

/** Visits every (tap, output row) pair that is not on padding, all images; rows begin at `yRow` and, in the input, at `xRow`. */
export function eachChannelTap({ x, weight, y, attrs }: Loops, visit: (tap: number, yRow: number, xRow: number) => void): void {
  const [n, c, h, w] = x;
  const [kernels, , length, kh, kw] = weight;
  const [, out, oh, ow] = y;
  const windows = out / kernels;
  for (let plane = 0; plane < n * out; plane++) {
    const kernel = Math.floor((plane % out) / windows);
    const first = (plane % windows) * attrs.stride - attrs.padding[0];
    for (let k = Math.max(0, -first); k < Math.min(length, c - first); k++) {
      const from = (Math.floor(plane / out) * c + first + k) * h;
      for (let ky = 0; ky < kh; ky++) {
        for (let kx = 0; kx < kw; kx++) {
          const tap = ((kernel * length + k) * kh + ky) * kw + kx;
          for (let oy = 0; oy < oh; oy++) visit(tap, (plane * oh + oy) * ow, (from + oy + ky) * w + kx);
        }
      }
    }
  }
}
