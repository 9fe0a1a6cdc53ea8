/**
 * Normalisation with the statistics of the batch. arXiv 1502.03167, algorithm 1. With m values a channel, x̂ = (x − mean) / std and the sums
 * dbeta = Σ dy, dgamma = Σ dy · x̂, the gradient is dx = gamma / std · (dy − dbeta / m − x̂ · dgamma / m), the last two terms because mean and
 * std depend on every x.
 */
import { need } from "../core/errors.ts";
import { formatShape, isSameShape, size } from "../core/shape.ts";
import { defineOp, type Op } from "../ir/op.ts";
import { needNormalisable } from "./batchNorm.ts";
import { wholly } from "./cost.ts";

/** `momentum` is the weight of the new batch in the running statistics, as in PyTorch. */
export interface BatchNormTrain {
  readonly eps: number;
  readonly momentum: number;
}

/**
 * (x, gamma, beta, running mean [c], running var [c], count []) → [y, batch mean, batch 1 / √(var + eps), new mean, new var, new count].
 * y uses the biased variance, the running variance the unbiased one.
 */
export const batchNormTrain: Op<BatchNormTrain> = defineOp<BatchNormTrain>({
  name: "batchNormTrain",
  isNormalising: true,
  takesEpilogue: true,
  inPlace: { 3: 3, 4: 4, 5: 5 },

  shape([x, gamma, beta, mean, variance, count]) {
    needNormalisable(x, { gamma, beta, mean, var: variance });
    need(count.length === 0, () => `the count must be a scalar [], found ${formatShape(count)}`);
    need(size(x) / x[1] > 1, () => "one value a channel has no variance; training needs a larger batch or image");
    return [x, gamma, gamma, gamma, gamma, count];
  },

  cost: wholly({ adds: 3, multiplications: 2 }),

  reference(y, [x, gamma, beta, mean, variance, count], { eps, momentum }, [, batchMean, inverseStd, newMean, newVariance, newCount]) {
    const [n, c] = x.shape;
    const area = x.data.length / (n * c);
    const m = n * area;
    for (let channel = 0; channel < c; channel++) {
      const { average, squares } = moments(x.data, n, c, area, channel);
      const inverse = 1 / Math.sqrt(squares / m + eps);
      batchMean.data[channel] = average;
      inverseStd.data[channel] = inverse;
      newMean.data[channel] = (1 - momentum) * mean.data[channel] + momentum * average;
      newVariance.data[channel] = (1 - momentum) * variance.data[channel] + (momentum * squares) / (m - 1);
      for (let image = 0; image < n; image++) {
        const from = (image * c + channel) * area;
        for (let i = from; i < from + area; i++) y.data[i] = gamma.data[channel] * (x.data[i] - average) * inverse + beta.data[channel];
      }
    }
    newCount.data[0] = count.data[0] + 1;
  },
});

/** Mean of one channel, and the sum of squared deviations from it. */
function moments(x: Float64Array, n: number, c: number, area: number, channel: number): { average: number; squares: number } {
  let sum = 0;
  for (let image = 0; image < n; image++) {
    const from = (image * c + channel) * area;
    for (let i = from; i < from + area; i++) sum += x[i];
  }
  const average = sum / (n * area);
  let squares = 0;
  for (let image = 0; image < n; image++) {
    const from = (image * c + channel) * area;
    for (let i = from; i < from + area; i++) squares += (x[i] - average) ** 2;
  }
  return { average, squares };
}

/** (x, gamma, batch mean, batch 1 / √(var + eps), dy) → [dx, dgamma, dbeta]. */
export const batchNormGradient: Op = defineOp({
  name: "batchNormGradient",
  inPlace: { 0: 4 },

  shape([x, gamma, batchMean, batchInverseStd, dy]) {
    needNormalisable(x, { gamma, "batch mean": batchMean, "batch inverse std": batchInverseStd });
    need(isSameShape(dy, x), () => `the output's gradient is ${formatShape(dy)}, needed ${formatShape(x)}`);
    return [x, gamma, gamma];
  },

  cost: wholly({ adds: 4, multiplications: 4 }),

  reference(dx, [x, gamma, batchMean, batchInverseStd, dy], _attrs, [, dgamma, dbeta]) {
    const [n, c] = x.shape;
    const area = x.data.length / (n * c);
    const m = n * area;
    for (let channel = 0; channel < c; channel++) {
      const average = batchMean.data[channel];
      const inverse = batchInverseStd.data[channel];
      let sum = 0;
      let dot = 0;
      for (let image = 0; image < n; image++) {
        const from = (image * c + channel) * area;
        for (let i = from; i < from + area; i++) {
          sum += dy.data[i];
          dot += dy.data[i] * (x.data[i] - average) * inverse;
        }
      }
      dgamma.data[channel] = dot;
      dbeta.data[channel] = sum;
      for (let image = 0; image < n; image++) {
        const from = (image * c + channel) * area;
        for (let i = from; i < from + area; i++) {
          const normalised = (x.data[i] - average) * inverse;
          dx.data[i] = gamma.data[channel] * inverse * (dy.data[i] - sum / m - (normalised * dot) / m);
        }
      }
    }
  },
});
