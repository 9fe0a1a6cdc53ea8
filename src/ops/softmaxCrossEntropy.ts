/**
 * Cross-entropy of softmax(logits) against target distributions, mean over the batch. With t' = (1 − smoothing) · t + smoothing · Σt / classes
 * (arXiv 1512.00567, section 7), loss = −(1 / n) Σ t' · log p. A row's Σt is 1, or the sample's weight where classes are weighted. The gradient
 * of the logits is (p · Σt − t') / n.
 */
import { need } from "../core/errors.ts";
import { formatShape, isSameShape, type Shape } from "../core/shape.ts";
import { defineOp, type Op } from "../ir/op.ts";
import { wholly } from "./cost.ts";
import { softmaxRow } from "./softmax.ts";

/** `smoothing`: the share of each target spread evenly over all classes. */
export interface CrossEntropy {
  readonly smoothing: number;
}

function needTargets(rows: Shape, target: Shape, smoothing: number): void {
  need(rows.length === 2, () => `the logits must be [n, classes], found ${formatShape(rows)}`);
  need(isSameShape(rows, target), () => `logits ${formatShape(rows)} and target ${formatShape(target)} must have one shape`);
  need(smoothing >= 0 && smoothing < 1, () => `smoothing must be from 0 on and below 1, found ${smoothing}`);
}

function sum(row: Float64Array): number {
  let total = 0;
  for (const element of row) total += element;
  return total;
}

/** (logits [n, classes], target [n, classes]) → [loss [], probabilities [n, classes]]. */
export const softmaxCrossEntropy: Op<CrossEntropy> = defineOp<CrossEntropy>({
  name: "softmaxCrossEntropy",

  shape([logits, target], { smoothing }) {
    needTargets(logits, target, smoothing);
    return [[], logits];
  },

  cost: wholly({ adds: 3, multiplications: 4, comparisons: 1 }),

  reference(loss, [logits, target], { smoothing }, [, probabilities]) {
    const [n, classes] = logits.shape;
    let total = 0;
    for (let row = 0; row < n; row++) {
      const x = logits.data.subarray(row * classes, (row + 1) * classes);
      const t = target.data.subarray(row * classes, (row + 1) * classes);
      const logSum = softmaxRow(x, probabilities.data.subarray(row * classes, (row + 1) * classes));
      const spread = (smoothing * sum(t)) / classes;
      for (let i = 0; i < classes; i++) total += ((1 - smoothing) * t[i] + spread) * (logSum - x[i]);
    }
    loss.data[0] = total / n;
  },
});

/** (probabilities, target, dloss []) → the gradient of the logits. */
export const softmaxCrossEntropyGradient: Op<CrossEntropy> = defineOp<CrossEntropy>({
  name: "softmaxCrossEntropyGradient",

  shape([probabilities, target, dloss], { smoothing }) {
    needTargets(probabilities, target, smoothing);
    need(dloss.length === 0, () => `the loss's gradient must be a scalar [], found ${formatShape(dloss)}`);
    return probabilities;
  },

  cost: wholly({ adds: 2, multiplications: 3 }),

  reference(dx, [probabilities, target, dloss], { smoothing }) {
    const [n, classes] = dx.shape;
    for (let row = 0; row < n; row++) {
      const t = target.data.subarray(row * classes, (row + 1) * classes);
      const weight = sum(t);
      const spread = (smoothing * weight) / classes;
      for (let i = 0; i < classes; i++) {
        const at = row * classes + i;
        dx.data[at] = ((probabilities.data[at] * weight - (1 - smoothing) * t[i] - spread) * dloss.data[0]) / n;
      }
    }
  },
});
