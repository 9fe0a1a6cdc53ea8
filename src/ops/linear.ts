import { need } from "../core/errors.ts";
import { formatShape, isSameShape, size } from "../core/shape.ts";
import { defineOp, type Op } from "../ir/op.ts";
import { channelSum } from "./channelSum.ts";
import { touched } from "./cost.ts";

/** (x [n, in], weight [out, in], bias? [out]) → x · weightᵀ + bias, [n, out]. */
export const linear: Op = defineOp({
  name: "linear",
  takesEpilogue: true,
  weightInputs: [1],

  shape([x, weight, bias]) {
    need(x.length === 2, () => `the input must be [n, in], found ${formatShape(x)}`);
    need(weight.length === 2, () => `the weight must be [out, in], found ${formatShape(weight)}`);
    need(x[1] === weight[1], () => `input has ${x[1]} features, but weight ${formatShape(weight)} needs ${weight[1]}`);
    if (bias) {
      need(bias.length === 1 && bias[0] === weight[0], () => `bias is ${formatShape(bias)}, but ${weight[0]} outputs need [${weight[0]}]`);
    }
    return [x[0], weight[0]];
  },

  cost(inputs, _attrs, outputs) {
    return { macs: inputs[0][0] * size(inputs[1]), adds: inputs[2] ? size(outputs[0]) : 0, moved: touched(inputs, outputs) };
  },

  gradient(g, [x, weight, bias], dy) {
    const gradients = [linearInputGradient(g, [dy, weight], {}), linearWeightGradient(g, [x, dy], {})];
    return bias ? [...gradients, channelSum(g, [dy], {})] : gradients;
  },

  reference(y, [x, weight, bias]) {
    const [n, out] = y.shape;
    const inner = x.shape[1];
    for (let row = 0; row < n; row++) {
      for (let o = 0; o < out; o++) {
        let sum = bias ? bias.data[o] : 0;
        for (let i = 0; i < inner; i++) sum += x.data[row * inner + i] * weight.data[o * inner + i];
        y.data[row * out + o] = sum;
      }
    }
  },
});

/** (dy [n, out], weight [out, in]) → dy · weight, [n, in]. */
export const linearInputGradient: Op = defineOp({
  name: "linearInputGradient",
  weightInputs: [1],

  shape([dy, weight]) {
    const isFit = dy.length === 2 && weight.length === 2 && dy[1] === weight[0];
    need(isFit, () => `needed [n, out] and [out, in], found ${formatShape(dy)} and ${formatShape(weight)}`);
    return [dy[0], weight[1]];
  },

  cost: (inputs, _attrs, outputs) => ({ macs: inputs[0][0] * size(inputs[1]), adds: 0, moved: touched(inputs, outputs) }),

  reference(dx, [dy, weight]) {
    const [n, inner] = dx.shape;
    const out = dy.shape[1];
    dx.data.fill(0);
    for (let row = 0; row < n; row++) {
      for (let o = 0; o < out; o++) {
        const slope = dy.data[row * out + o];
        for (let i = 0; i < inner; i++) dx.data[row * inner + i] += slope * weight.data[o * inner + i];
      }
    }
  },
});

/** (x [n, in], dy [n, out]) → dyᵀ · x, [out, in]. */
export const linearWeightGradient: Op = defineOp({
  name: "linearWeightGradient",
  weightOutputs: [0],

  shape([x, dy]) {
    const isFit = x.length === 2 && dy.length === 2 && isSameShape([x[0]], [dy[0]]);
    need(isFit, () => `needed [n, in] and [n, out], found ${formatShape(x)} and ${formatShape(dy)}`);
    return [dy[1], x[1]];
  },

  cost: (inputs, _attrs, outputs) => ({ macs: inputs[0][0] * size(outputs[0]), adds: 0, moved: touched(inputs, outputs) }),

  reference(dw, [x, dy]) {
    const [out, inner] = dw.shape;
    const n = x.shape[0];
    dw.data.fill(0);
    for (let row = 0; row < n; row++) {
      for (let o = 0; o < out; o++) {
        const slope = dy.data[row * out + o];
        for (let i = 0; i < inner; i++) dw.data[o * inner + i] += slope * x.data[row * inner + i];
      }
    }
  },
});
