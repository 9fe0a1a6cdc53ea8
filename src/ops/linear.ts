import { need } from "../core/errors.ts";
import { formatShape, isSameShape, size } from "../core/shape.ts";
import { defineOp, type Op } from "../ir/op.ts";
import { tapsCost } from "./cost.ts";
import { needSimilarity, type Similar, type SimilarityGradient, similarityGradient, similarityRule } from "./similarity.ts";

/** A fully connected layer sums products unless told otherwise. */
export type Linear = Partial<Similar>;

function similar({ similarity = "product", gradient }: Linear): Similar {
  return { similarity, gradient };
}

/** What flows back through the layer's similarity. */
export function linearSimilarityGradient(attrs: Linear): SimilarityGradient {
  return similarityGradient(similar(attrs));
}

/** (x [n, in], weight [out, in], bias? [out]) → x · weightᵀ + bias, [n, out]; with another similarity, Σ S(x, weight) + bias. */
export const linear: Op<Linear> = defineOp<Linear>({
  name: "linear",
  takesEpilogue: true,
  takesSimilarity: true,
  weightInputs: [1],

  shape([x, weight, bias], attrs) {
    needSimilarity(similar(attrs));
    need(x.length === 2, () => `the input must be [n, in], found ${formatShape(x)}`);
    need(weight.length === 2, () => `the weight must be [out, in], found ${formatShape(weight)}`);
    need(x[1] === weight[1], () => `input has ${x[1]} features, but weight ${formatShape(weight)} needs ${weight[1]}`);
    if (bias) {
      need(bias.length === 1 && bias[0] === weight[0], () => `bias is ${formatShape(bias)}, but ${weight[0]} outputs need [${weight[0]}]`);
    }
    return [x[0], weight[0]];
  },

  cost(inputs, attrs, outputs) {
    const cost = tapsCost(inputs[0][0] * size(inputs[1]), similarityRule(similar(attrs).similarity).cost, inputs, outputs);
    return inputs[2] ? { ...cost, adds: cost.adds + size(outputs[0]) } : cost;
  },

  reorder: (_order, [x, weight]) => ({ operands: [x, weight], isKept: false }),
  rowInputs: () => [1, 2],

  surrogate: (attrs) => linearSimilarityGradient(attrs).surrogate,

  reference(y, [x, weight, bias], attrs) {
    const { combine } = similarityRule(similar(attrs).similarity);
    const [n, out] = y.shape;
    const inner = x.shape[1];
    for (let row = 0; row < n; row++) {
      for (let o = 0; o < out; o++) {
        let sum = bias ? bias.data[o] : 0;
        for (let i = 0; i < inner; i++) sum += combine(x.data[row * inner + i], weight.data[o * inner + i]);
        y.data[row * out + o] = sum;
      }
    }
  },
});

/** (dy [n, out], weight [out, in], x?) → dy · weight, [n, in]. x is given where the similarity's gradient reads it. */
export const linearInputGradient: Op<Linear> = defineOp<Linear>({
  name: "linearInputGradient",
  weightInputs: [1],

  shape([dy, weight]) {
    const isFit = dy.length === 2 && weight.length === 2 && dy[1] === weight[0];
    need(isFit, () => `needed [n, out] and [out, in], found ${formatShape(dy)} and ${formatShape(weight)}`);
    return [dy[0], weight[1]];
  },

  cost: (inputs, attrs, outputs) => tapsCost(inputs[0][0] * size(inputs[1]), linearSimilarityGradient(attrs).inputCost, inputs, outputs),

  reference(dx, [dy, weight, x], attrs) {
    const { toInput } = linearSimilarityGradient(attrs);
    const pixels = x ? x.data : new Float64Array(dx.data.length);
    const [n, inner] = dx.shape;
    const out = dy.shape[1];
    dx.data.fill(0);
    for (let row = 0; row < n; row++) {
      for (let o = 0; o < out; o++) {
        const slope = dy.data[row * out + o];
        for (let i = 0; i < inner; i++) {
          dx.data[row * inner + i] += toInput(slope, pixels[row * inner + i], weight.data[o * inner + i]);
        }
      }
    }
  },
});

/** (x [n, in], dy [n, out], weight?) → dyᵀ · x, [out, in]. The weight is given where the similarity's gradient reads it. */
export const linearWeightGradient: Op<Linear> = defineOp<Linear>({
  name: "linearWeightGradient",
  weightOutputs: [0],
  weightInputs: [2],

  shape([x, dy]) {
    const isFit = x.length === 2 && dy.length === 2 && isSameShape([x[0]], [dy[0]]);
    need(isFit, () => `needed [n, in] and [n, out], found ${formatShape(x)} and ${formatShape(dy)}`);
    return [dy[1], x[1]];
  },

  cost: (inputs, attrs, outputs) => tapsCost(inputs[0][0] * size(outputs[0]), linearSimilarityGradient(attrs).weightCost, inputs, outputs),

  reference(dw, [x, dy, weight], attrs) {
    const { toWeight } = linearSimilarityGradient(attrs);
    const filter = weight ? weight.data : new Float64Array(dw.data.length);
    const [out, inner] = dw.shape;
    const n = x.shape[0];
    dw.data.fill(0);
    for (let row = 0; row < n; row++) {
      for (let o = 0; o < out; o++) {
        const slope = dy.data[row * out + o];
        for (let i = 0; i < inner; i++) {
          dw.data[o * inner + i] += toWeight(slope, x.data[row * inner + i], filter[o * inner + i]);
        }
      }
    }
  },
});
