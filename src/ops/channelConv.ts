import type { Shape } from "../core/shape.ts";
import { defineOp, type Op } from "../ir/op.ts";
import {
  type ChannelConvolution,
  channelConvolutionCost,
  channelConvolvedShape,
  eachChannelTap,
  needChannelGradient,
} from "./channelConvolution.ts";

/**
 * (x [n, c, h, w], weight [kernels, 1, length, kh, kw]) → [n, kernels · windows, h − kh + 1, w − kw + 1]: kernels that slide along the channels
 * and are shared by all places there. Output channels go kernel by kernel. ChannelNets, arXiv 1809.01330, section 2.
 */
export const channelConv: Op<ChannelConvolution> = defineOp<ChannelConvolution>({
  name: "channelConv",
  weightInputs: [1],

  shape: ([x, weight], attrs) => channelConvolvedShape(x, weight, attrs),
  cost: (inputs, _attrs, outputs) => channelConvolutionCost(outputs[0], inputs[1], inputs, outputs),

  reference(y, [x, weight], attrs) {
    const width = y.shape[3];
    y.data.fill(0);
    eachChannelTap({ x: x.shape, weight: weight.shape, y: y.shape, attrs }, (tap, yRow, xRow) => {
      const f = weight.data[tap];
      for (let i = 0; i < width; i++) y.data[yRow + i] += x.data[xRow + i] * f;
    });
  },
});

/** (dy, weight) → dx of a convolution along the channels. */
export const channelConvInputGradient: Op<ChannelConvolution & { readonly inputShape: Shape }> = defineOp<
  ChannelConvolution & { readonly inputShape: Shape }
>({
  name: "channelConvInputGradient",
  weightInputs: [1],

  shape([dy, weight], attrs) {
    needChannelGradient(dy, attrs.inputShape, weight, attrs);
    return attrs.inputShape;
  },

  cost: (inputs, _attrs, outputs) => channelConvolutionCost(inputs[0], inputs[1], inputs, outputs),

  reference(dx, [dy, weight], attrs) {
    const width = dy.shape[3];
    dx.data.fill(0);
    eachChannelTap({ x: dx.shape, weight: weight.shape, y: dy.shape, attrs }, (tap, yRow, xRow) => {
      const f = weight.data[tap];
      for (let i = 0; i < width; i++) dx.data[xRow + i] += dy.data[yRow + i] * f;
    });
  },
});

/** (x, dy) → dw of a convolution along the channels. */
export const channelConvWeightGradient: Op<ChannelConvolution & { readonly weightShape: Shape }> = defineOp<
  ChannelConvolution & { readonly weightShape: Shape }
>({
  name: "channelConvWeightGradient",
  weightOutputs: [0],

  shape([x, dy], attrs) {
    needChannelGradient(dy, x, attrs.weightShape, attrs);
    return attrs.weightShape;
  },

  cost: (inputs, attrs, outputs) => channelConvolutionCost(inputs[1], attrs.weightShape, inputs, outputs),

  reference(dw, [x, dy], attrs) {
    const width = dy.shape[3];
    dw.data.fill(0);
    eachChannelTap({ x: x.shape, weight: dw.shape, y: dy.shape, attrs }, (tap, yRow, xRow) => {
      let sum = 0;
      for (let i = 0; i < width; i++) sum += x.data[xRow + i] * dy.data[yRow + i];
      dw.data[tap] += sum;
    });
  },
});
