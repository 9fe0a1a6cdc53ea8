import { need } from "../core/errors.ts";
import { formatShape, isSameShape, type Shape } from "../core/shape.ts";
import { defineOp, type Op } from "../ir/op.ts";
import { plain, wholly } from "./cost.ts";

/** `eps` is added to the variance before the root. */
export interface BatchNorm {
  readonly eps: number;
}

/** Refuses inputs that are not [n, c] or [n, c, h, w] and vectors that are not [c]. */
export function needNormalisable(x: Shape, vectors: Readonly<Record<string, Shape>>): void {
  need(x.length === 2 || x.length === 4, () => `the input must be [n, c] or [n, c, h, w], found ${formatShape(x)}`);
  for (const [name, vector] of Object.entries(vectors)) {
    const isFit = vector.length === 1 && vector[0] === x[1];
    need(isFit, () => `${name} is ${formatShape(vector)}, but ${x[1]} channels need [${x[1]}]`);
  }
}

/** (x, gamma, beta, mean, var) → gamma · (x − mean) / √(var + eps) + beta with stored statistics. arXiv 1502.03167, algorithm 2. */
export const batchNorm: Op<BatchNorm> = defineOp<BatchNorm>({
  name: "batchNorm",
  isNormalising: true,
  takesEpilogue: true,

  shape([x, gamma, beta, mean, variance]) {
    needNormalisable(x, { gamma, beta, mean, var: variance });
    return x;
  },

  reorder: (_order, [x, ...vectors]) => ({ operands: [x, ...vectors.map(([c]) => [1, c])], isKept: true }),

  // A multiplication and an addition: the rest depends on the channel only.
  cost: plain({ adds: 1, multiplications: 1 }),

  reference(y, [x, gamma, beta, mean, variance], { eps }) {
    const [n, c] = x.shape;
    const area = x.data.length / (n * c);
    for (let plane = 0; plane < n * c; plane++) {
      const channel = plane % c;
      const scale = gamma.data[channel] / Math.sqrt(variance.data[channel] + eps);
      const shift = beta.data[channel] - mean.data[channel] * scale;
      for (let i = plane * area; i < (plane + 1) * area; i++) y.data[i] = x.data[i] * scale + shift;
    }
  },
});

/** (x, gamma, mean, var, dy) → [dx, dgamma, dbeta] of normalisation with stored statistics (which receive no gradient). */
export const batchNormEvalGradient: Op<BatchNorm> = defineOp<BatchNorm>({
  name: "batchNormEvalGradient",
  inPlace: { 0: 4 },

  shape([x, gamma, mean, variance, dy]) {
    needNormalisable(x, { gamma, mean, var: variance });
    need(isSameShape(dy, x), () => `the output's gradient is ${formatShape(dy)}, needed ${formatShape(x)}`);
    return [x, gamma, gamma];
  },

  cost: wholly({ adds: 3, multiplications: 2 }),

  reference(dx, [x, gamma, mean, variance, dy], { eps }, [, dgamma, dbeta]) {
    const [n, c] = x.shape;
    const area = x.data.length / (n * c);
    dgamma.data.fill(0);
    dbeta.data.fill(0);
    for (let plane = 0; plane < n * c; plane++) {
      const channel = plane % c;
      const inverseStd = 1 / Math.sqrt(variance.data[channel] + eps);
      for (let i = plane * area; i < (plane + 1) * area; i++) {
        dx.data[i] = dy.data[i] * gamma.data[channel] * inverseStd;
        dgamma.data[channel] += dy.data[i] * (x.data[i] - mean.data[channel]) * inverseStd;
        dbeta.data[channel] += dy.data[i];
      }
    }
  },
});
