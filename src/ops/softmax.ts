import { need } from "../core/errors.ts";
import { formatShape, isSameShape } from "../core/shape.ts";
import { defineOp, type Op } from "../ir/op.ts";
import { plain } from "./cost.ts";

/** Writes e^(x − max) / Σ of one row and returns log Σ e^x. */
export function softmaxRow(x: Float64Array, y: Float64Array): number {
  let most = Number.NEGATIVE_INFINITY;
  for (const logit of x) most = Math.max(most, logit);
  let sum = 0;
  for (let i = 0; i < x.length; i++) {
    y[i] = Math.exp(x[i] - most);
    sum += y[i];
  }
  for (let i = 0; i < y.length; i++) y[i] /= sum;
  return most + Math.log(sum);
}

/** [n, classes] → probabilities: each row eˣ / Σ eˣ. */
export const softmax: Op = defineOp({
  name: "softmax",

  shape([x]) {
    need(x.length === 2, () => `the input must be [n, classes], found ${formatShape(x)}`);
    return x;
  },

  cost: plain({ adds: 2, multiplications: 2, comparisons: 1 }),

  reference(y, [x]) {
    const [n, classes] = x.shape;
    for (let row = 0; row < n; row++) {
      const [from, to] = [row * classes, (row + 1) * classes];
      softmaxRow(x.data.subarray(from, to), y.data.subarray(from, to));
    }
  },
});

/** (dy, y) → y · (dy − Σ dy · y), row by row. */
export const softmaxGradient: Op = defineOp({
  name: "softmaxGradient",

  shape([dy, y]) {
    need(y.length === 2 && isSameShape(dy, y), () => `needed two shapes [n, classes], found ${formatShape(dy)} and ${formatShape(y)}`);
    return y;
  },

  cost: plain({ adds: 2, multiplications: 2 }),

  reference(dx, [dy, y]) {
    const [n, classes] = y.shape;
    for (let row = 0; row < n; row++) {
      let dot = 0;
      for (let i = row * classes; i < (row + 1) * classes; i++) dot += dy.data[i] * y.data[i];
      for (let i = row * classes; i < (row + 1) * classes; i++) dx.data[i] = y.data[i] * (dy.data[i] - dot);
    }
  },
});
