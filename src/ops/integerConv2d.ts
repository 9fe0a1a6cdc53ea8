import { need } from "../core/errors.ts";
import { formatShape, type Shape } from "../core/shape.ts";
import type { Requantised } from "../ir/integer.ts";
import { defineOp, type Op } from "../ir/op.ts";
import { type Convolution, convolutionCost, convolvedShape, eachTapRow } from "./convolution.ts";
import { sumCosts } from "./cost.ts";
import { needType, needZero, requantise, requantisedCost, requantisedType } from "./requantise.ts";
import { similarityRule } from "./similarity.ts";
import { padPlanes } from "./window.ts";

/** Similarities that integers have: products, and distances from weights of 7 bits in the scale of the input. */
export type IntegerSimilarity = "product" | "l1";

/** A convolution of integers. `zero` stands for 0 in its input, and around it. */
export interface IntegerConvolution extends Omit<Convolution, "similarity" | "gradient">, Requantised {
  readonly similarity: IntegerSimilarity;
  readonly zero: number;
}

/** Refuses what is not one number for each output. */
export function needRow(what: string, row: Shape, outputs: number): void {
  need(row.length === 1 && row[0] === outputs, () => `${what} is ${formatShape(row)}, but ${outputs} outputs need [${outputs}]`);
}

/**
 * (x u7, weight i8 [out, c / groups, kh, kw], ratio [out], offset [out]) → clamp(trunc(Σ S(x, weight) · ratio + offset)): a convolution
 * whose sums, of 32 bits, go back to 7 or 8 bits. Bias and zero points are in the offsets; weights of products keep to the bound on blocks (integerSums.ts).
 */
export const integerConv2d: Op<IntegerConvolution> = defineOp<IntegerConvolution>({
  name: "integerConv2d",
  takesEpilogue: true,
  weightInputs: [1],

  shape([x, weight, ratio, offset], attrs) {
    const y = convolvedShape(x, weight, attrs);
    needRow("the ratio", ratio, y[1]);
    needRow("the offset", offset, y[1]);
    needZero(attrs.zero);
    return y;
  },

  dtype([x, weight], attrs) {
    needType("the input", x, "u7");
    needType("the weight", weight, "i8");
    return requantisedType(attrs);
  },

  cost(inputs, { similarity }, outputs) {
    const cost = convolutionCost(outputs[0], inputs[1], similarityRule(similarity).cost, inputs, outputs);
    return sumCosts([cost, requantisedCost(outputs[0])]);
  },

  reference(y, [x, weight, ratio, offset], attrs) {
    const [n, c, h, w] = x.shape;
    const [, out, oh, ow] = y.shape;
    const step = attrs.stride[1];
    const area = oh * ow;
    const { combine } = similarityRule(attrs.similarity);
    // Less the zero point where there is an image, so that what lies around it is 0; in the sums it is back.
    const pixels = x.data.map((q) => q - attrs.zero);
    const sums = new Float64Array(out * area);
    for (let image = 0; image < n; image++) {
      const padded = padPlanes(pixels, image * c * h * w, c, [h, w], attrs.padding);
      sums.fill(0);
      eachTapRow({ x: x.shape, weight: weight.shape, y: y.shape, attrs }, (tap, yRow, xRow) => {
        const f = weight.data[tap];
        for (let i = 0; i < ow; i++) sums[yRow + i] += combine(padded[xRow + i * step] + attrs.zero, f);
      });
      for (let i = 0; i < sums.length; i++) {
        const o = Math.floor(i / area);
        y.data[image * out * area + i] = requantise(sums[i], ratio.data[o], offset.data[o], attrs);
      }
    }
  },
});
