import type { Shape } from "../core/shape.ts";
import { defineOp, type Op } from "../ir/op.ts";
import { type Convolution, convolutionCost, eachTapRow, needOutputGradient, paddedExtent } from "./convolution.ts";
import { similarityGradient } from "./similarity.ts";
import { cropPlanes, padPlanes } from "./window.ts";

/** A convolution and the shape of its input. */
export interface ConvolutionInputGradient extends Convolution {
  readonly inputShape: Shape;
}

/** (dy, weight, x?) → dx: each output's gradient spread over the pixels under its window. x is given where the similarity is not bilinear. */
export const conv2dInputGradient: Op<ConvolutionInputGradient> = defineOp<ConvolutionInputGradient>({
  name: "conv2dInputGradient",
  weightInputs: [1],

  shape([dy, weight], attrs) {
    needOutputGradient(dy, attrs.inputShape, weight, attrs);
    return attrs.inputShape;
  },

  cost: (inputs, attrs, outputs) => convolutionCost(inputs[0], inputs[1], similarityGradient(attrs).inputCost, inputs, outputs),

  reference(dx, [dy, weight, x], attrs) {
    const { toInput } = similarityGradient(attrs);
    const [n, c, h, w] = dx.shape;
    const [, out, oh, ow] = dy.shape;
    const [height, width] = paddedExtent(dx.shape, attrs.padding);
    const step = attrs.stride[1];
    const filter = weight.data;
    // A bilinear similarity's gradient does not look at the pixel: zeros stand in.
    let pixels = new Float64Array(c * height * width);
    const spread = new Float64Array(c * height * width);
    for (let image = 0; image < n; image++) {
      if (x) pixels = padPlanes(x.data, image * c * h * w, c, [h, w], attrs.padding) as Float64Array<ArrayBuffer>;
      const gradients = dy.data.subarray(image * out * oh * ow, (image + 1) * out * oh * ow);
      spread.fill(0);
      eachTapRow({ x: dx.shape, weight: weight.shape, y: dy.shape, attrs }, (tap, yRow, xRow) => {
        const f = filter[tap];
        for (let i = 0; i < ow; i++) {
          const at = xRow + i * step;
          spread[at] += toInput(gradients[yRow + i], pixels[at], f);
        }
      });
      cropPlanes(spread, dx.data, image * c * h * w, c, [h, w], attrs.padding);
    }
  },
});
