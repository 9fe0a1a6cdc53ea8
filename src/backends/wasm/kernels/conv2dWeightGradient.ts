/** dw of a convolution: depthwise filters tap by tap (depthwiseSums.ts), all others as sums of outer products (outerSums.ts). */
import type { ConvolutionWeightGradient } from "../../../ops/conv2dWeightGradient.ts";
import type { Lower } from "../kernel.ts";
import { pad4 } from "../layout.ts";
import { MOST_TAPS } from "./depthwise.ts";
import { depthwiseSumSteps } from "./depthwiseSums.ts";
import { outerSumSteps } from "./outerSums.ts";
import type { WindowSizes } from "./window.ts";

export const conv2dWeightGradient: Lower = (node, context) => {
  const [x, dy] = node.inputs;
  const { similarity, stride, padding, groups, weightShape } = node.attrs as ConvolutionWeightGradient;
  if (similarity !== "product") return undefined;
  const [images, channels, height, width] = x.shape;
  const [, outputs, outHeight, outWidth] = dy.shape;
  const [, inner, kh, kw] = weightShape;
  const [c, a, b] = [node.outputs[0], dy, x].map((value) => context.at(value));
  const taps = kh * kw;
  const sizes: WindowSizes = {
    size: [height, width],
    outSize: [outHeight, outWidth],
    kernel: [kh, kw],
    stride,
    before: [padding[0], padding[2]],
  };
  // Filters too large to be written out go one by one, as groups of one column.
  const isDepthwise = groups === channels && groups === outputs;
  if (isDepthwise && taps <= MOST_TAPS) return depthwiseSumSteps({ x: b, dy: a, dw: c, images, channels, ...sizes }, context);
  const isDirect = taps === 1 && stride[0] === 1 && stride[1] === 1 && padding.every((extent) => extent === 0);
  const windows = isDirect ? undefined : sizes;
  const rows = images * outHeight * outWidth;
  return outerSumSteps({ a, lda: pad4(outputs), b, ldb: pad4(channels), windows, rows, groups, m: outputs / groups, n: inner, c }, context);
};
