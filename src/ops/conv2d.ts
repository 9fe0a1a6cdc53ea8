import { need } from "../core/errors.ts";
import { formatShape, size } from "../core/shape.ts";
import { defineOp, type Op } from "../ir/op.ts";
import { type Convolution, convolutionCost, convolvedShape, eachTapRow } from "./convolution.ts";
import { similarityGradient, similarityRule } from "./similarity.ts";
import { padPlanes } from "./window.ts";

/** (x [n, c, h, w], weight [out, c / groups, kh, kw], bias? [out]) → [n, out, oh, ow]: Y = Σ S(X, F), the literature's general form. */
export const conv2d: Op<Convolution> = defineOp<Convolution>({
  name: "conv2d",
  takesEpilogue: true,
  takesSimilarity: true,
  weightInputs: [1],

  shape([x, weight, bias], attrs) {
    const y = convolvedShape(x, weight, attrs);
    if (bias) {
      need(bias.length === 1 && bias[0] === y[1], () => `bias is ${formatShape(bias)}, but ${y[1]} output channels need [${y[1]}]`);
    }
    return y;
  },

  cost(inputs, attrs, outputs) {
    const cost = convolutionCost(outputs[0], inputs[1], similarityRule(attrs.similarity).cost, inputs, outputs);
    return inputs[2] ? { ...cost, adds: cost.adds + size(outputs[0]) } : cost;
  },

  surrogate: (attrs) => similarityGradient(attrs).surrogate,

  reference(y, [x, weight, bias], attrs) {
    const { combine } = similarityRule(attrs.similarity);
    const [n, c, h, w] = x.shape;
    const [, out, oh, ow] = y.shape;
    const step = attrs.stride[1];
    const filter = weight.data;
    for (let image = 0; image < n; image++) {
      const pixels = padPlanes(x.data, image * c * h * w, c, [h, w], attrs.padding);
      const sums = y.data.subarray(image * out * oh * ow, (image + 1) * out * oh * ow);
      for (let o = 0; o < out; o++) sums.fill(bias ? bias.data[o] : 0, o * oh * ow, (o + 1) * oh * ow);
      eachTapRow({ x: x.shape, weight: weight.shape, y: y.shape, attrs }, (tap, yRow, xRow) => {
        const f = filter[tap];
        for (let i = 0; i < ow; i++) sums[yRow + i] += combine(pixels[xRow + i * step], f);
      });
    }
  },
});
