import { need } from "../core/errors.ts";
import { formatShape, type Shape } from "../core/shape.ts";
import type { Requantised } from "../ir/integer.ts";
import { defineOp, type Op } from "../ir/op.ts";
import { convolutionCost, convolvedShape, eachTapRow } from "./convolution.ts";
import { sumCosts } from "./cost.ts";
import { type IntegerConvolution, needRow } from "./integerConv2d.ts";
import { needType, needZero, requantisedCost, requantisedType } from "./requantise.ts";
import { similarityRule } from "./similarity.ts";
import { padPlanes } from "./window.ts";

/** A depthwise convolution of integers. */
export type IntegerDepthwise = Omit<IntegerConvolution, "groups" | "similarity">;

const [LEAST_SUM, MOST_SUM] = [-32_768, 32_767] as const;

/** clamp((saturated(sum + bias) · factor + 2¹⁴) >> 15): a sum of 16 bits as 7 or 8 bits. `factor` / 2¹⁵ is the ratio of the scales. */
function shrink(sum: number, bias: number, factor: number, { low, high }: Requantised): number {
  const held = Math.min(Math.max(sum + bias, LEAST_SUM), MOST_SUM);
  return Math.min(Math.max((held * factor + 16_384) >> 15, low), high);
}

/**
 * (x u7, weight i8 [c, 1, kh, kw], bias [c], factor [c]) → clamp(((Σ x · weight + bias) · factor + 2¹⁴) >> 15): every channel by a filter of
 * its own, in sums of 16 bits. Biases are 16-bit integers, factors integers from 1 to 2¹⁵ − 1; weights keep to MOST_WEIGHT.
 */
export const integerDepthwise: Op<IntegerDepthwise> = defineOp<IntegerDepthwise>({
  name: "integerDepthwise",
  takesEpilogue: true,
  weightInputs: [1],

  shape([x, weight, bias, factor], attrs) {
    const y = convolvedShape(x, weight, { ...attrs, groups: x[1], similarity: "product" });
    need(weight[0] === x[1], () => `the weight must have one filter a channel, found ${formatShape(weight)} for ${x[1]} channels`);
    needRow("the bias", bias, y[1]);
    needRow("the factor", factor, y[1]);
    needZero(attrs.zero);
    return y;
  },

  dtype([x, weight], attrs) {
    needType("the input", x, "u7");
    needType("the weight", weight, "i8");
    need(attrs.to !== "f32", () => "sums of 16 bits become u7 or u8, found f32");
    return requantisedType(attrs);
  },

  cost(inputs: readonly Shape[], _attrs, outputs) {
    const cost = convolutionCost(outputs[0], inputs[1], similarityRule("product").cost, inputs, outputs);
    return sumCosts([cost, requantisedCost(outputs[0])]);
  },

  reference(y, [x, weight, bias, factor], attrs) {
    const [n, c, h, w] = x.shape;
    const [, , oh, ow] = y.shape;
    const step = attrs.stride[1];
    const area = oh * ow;
    const pixels = x.data.map((q) => q - attrs.zero);
    const sums = new Float64Array(c * area);
    const convolution = { ...attrs, groups: c, similarity: "product" } as const;
    for (let image = 0; image < n; image++) {
      const padded = padPlanes(pixels, image * c * h * w, c, [h, w], attrs.padding);
      sums.fill(0);
      eachTapRow({ x: x.shape, weight: weight.shape, y: y.shape, attrs: convolution }, (tap, yRow, xRow) => {
        const f = weight.data[tap];
        for (let i = 0; i < ow; i++) sums[yRow + i] += (padded[xRow + i * step] + attrs.zero) * f;
      });
      for (let i = 0; i < sums.length; i++) {
        const o = Math.floor(i / area);
        y.data[image * c * area + i] = shrink(sums[i], bias.data[o], factor.data[o], attrs);
      }
    }
  },
});
