import { need } from "../core/errors.ts";
import { formatShape, size } from "../core/shape.ts";
import type { Requantised } from "../ir/integer.ts";
import { defineOp, type Op } from "../ir/op.ts";
import { sumCosts, tapsCost } from "./cost.ts";
import { type IntegerSimilarity, needRow } from "./integerConv2d.ts";
import { needType, requantise, requantisedCost, requantisedType } from "./requantise.ts";
import { similarityRule } from "./similarity.ts";

/** A fully connected layer of integers. */
export interface IntegerLinear extends Requantised {
  readonly similarity: IntegerSimilarity;
}

/** (x u7 [n, in], weight i8 [out, in], ratio [out], offset [out]) → clamp(trunc(Σ S(x, weight) · ratio + offset)), [n, out]. */
export const integerLinear: Op<IntegerLinear> = defineOp<IntegerLinear>({
  name: "integerLinear",
  takesEpilogue: true,
  weightInputs: [1],

  shape([x, weight, ratio, offset]) {
    const isFit = x.length === 2 && weight.length === 2 && x[1] === weight[1];
    need(isFit, () => `needed [n, in] and [out, in], found ${formatShape(x)} and ${formatShape(weight)}`);
    needRow("the ratio", ratio, weight[0]);
    needRow("the offset", offset, weight[0]);
    return [x[0], weight[0]];
  },

  dtype([x, weight], attrs) {
    needType("the input", x, "u7");
    needType("the weight", weight, "i8");
    return requantisedType(attrs);
  },

  cost(inputs, { similarity }, outputs) {
    const cost = tapsCost(size(outputs[0]) * inputs[1][1], similarityRule(similarity).cost, inputs, outputs);
    return sumCosts([cost, requantisedCost(outputs[0])]);
  },

  reference(y, [x, weight, ratio, offset], attrs) {
    const [n, out] = y.shape;
    const inner = x.shape[1];
    const { combine } = similarityRule(attrs.similarity);
    for (let row = 0; row < n; row++) {
      for (let o = 0; o < out; o++) {
        let sum = 0;
        for (let i = 0; i < inner; i++) sum += combine(x.data[row * inner + i], weight.data[o * inner + i]);
        y.data[row * out + o] = requantise(sum, ratio.data[o], offset.data[o], attrs);
      }
    }
  },
});
