/** dw of a convolution: depthwise filters tap by tap (depthwiseSums.ts), all others as sums of outer products (outerSums.ts). */
import type { ConvolutionWeightGradient } from "../../../ops/conv2dWeightGradient.ts";
import type { Lower } from "../kernel.ts";
import { pad4 } from "../layout.ts";
import { depthwiseSumSteps } from "./depthwiseSums.ts";
import { outerSumSteps } from "./outerSums.ts";

export const conv2dWeightGradient: Lower = (node, context) => {
  const [x, dy] = node.inputs;
  const { stride, padding, groups, weightShape } = node.attrs as ConvolutionWeightGradient;
  const [images, channels, height, width] = x.shape;
  const [, outputs, outHeight, outWidth] = dy.shape;
  const [, inner, kh, kw] = weightShape;
  const [c, a, b] = [node.outputs[0], dy, x].map((value) => context.at(value));
  const before = [padding[0], padding[2]] as const;
  if (groups === channels && groups === outputs) {
    const sizes = { size: [height, width], outSize: [outHeight, outWidth], kernel: [kh, kw], stride, before } as const;
    return depthwiseSumSteps({ x: b, dy: a, dw: c, images, channels, ...sizes }, context);
  }
  const isDirect = kh === 1 && kw === 1 && stride[0] === 1 && stride[1] === 1 && padding.every((extent) => extent === 0);
  const windows = isDirect ? undefined : { outWidth, outHeight, height, width, stride, before, kernel: [kh, kw] as const };
  const rows = images * outHeight * outWidth;
  return outerSumSteps({ a, lda: pad4(outputs), b, ldb: pad4(channels), windows, rows, groups, m: outputs / groups, n: inner, c }, context);
};
