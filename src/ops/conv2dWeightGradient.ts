import type { Shape } from "../core/shape.ts";
import { defineOp, type Op } from "../ir/op.ts";
import { type Convolution, convolutionCost, eachTapRow, needOutputGradient } from "./convolution.ts";
import { similarityGradient } from "./similarity.ts";
import { padPlanes } from "./window.ts";

/** A convolution and the shape of its weight. */
export interface ConvolutionWeightGradient extends Convolution {
  readonly weightShape: Shape;
}

/** (x, dy, weight?) → dw: for each tap, the sum over all windows. The weight is given where the similarity is not bilinear. */
export const conv2dWeightGradient: Op<ConvolutionWeightGradient> = defineOp<ConvolutionWeightGradient>({
  name: "conv2dWeightGradient",
  weightOutputs: [0],
  weightInputs: [2],

  shape([x, dy], attrs) {
    needOutputGradient(dy, x, attrs.weightShape, attrs);
    return attrs.weightShape;
  },

  cost: (inputs, attrs, outputs) => convolutionCost(inputs[1], attrs.weightShape, similarityGradient(attrs).weightCost, inputs, outputs),

  reference(dw, [x, dy, weight], attrs) {
    const { toWeight } = similarityGradient(attrs);
    const [n, c, h, w] = x.shape;
    const [, out, oh, ow] = dy.shape;
    const step = attrs.stride[1];
    // A bilinear similarity's gradient does not look at the filter: zeros stand in.
    const filter = weight ? weight.data : new Float64Array(dw.data.length);
    dw.data.fill(0);
    for (let image = 0; image < n; image++) {
      const pixels = padPlanes(x.data, image * c * h * w, c, [h, w], attrs.padding);
      const gradients = dy.data.subarray(image * out * oh * ow, (image + 1) * out * oh * ow);
      eachTapRow({ x: x.shape, weight: dw.shape, y: dy.shape, attrs }, (tap, yRow, xRow) => {
        const f = filter[tap];
        let sum = 0;
        for (let i = 0; i < ow; i++) sum += toWeight(gradients[yRow + i], pixels[xRow + i * step], f);
        dw.data[tap] += sum;
      });
    }
  },
});
