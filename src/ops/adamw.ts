import { defineOp, type Op } from "../ir/op.ts";
import { plain } from "./cost.ts";
import { needStates, type Optimiser } from "./optimiser.ts";

/** Decay of the first and second moment; `eps` is outside the root. */
export interface AdamW extends Optimiser {
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
}

/**
 * (p, g, m, v, lr [], step [], scale []) → [p', m', v'], with g scaled first; step counts from 1. arXiv 1711.05101, algorithm 2:
 * m' = beta1 · m + (1 − beta1) · g; v' = beta2 · v + (1 − beta2) · g²; p' = p − lr · m̂ / (√v̂ + eps) − lr · weightDecay · p. Scale 0 changes nothing.
 */
export const adamw: Op<AdamW> = defineOp<AdamW>({
  name: "adamw",
  weightInputs: [0, 1, 2, 3],
  weightOutputs: [0, 1, 2],
  inPlace: { 0: 0, 1: 2, 2: 3 },

  shape([p, g, m, v, lr, step, scale]) {
    needStates(p, { gradient: g, "first moment": m, "second moment": v }, { lr, step, scale });
    return [p, p, p];
  },

  cost: plain({ adds: 5, multiplications: 12 }),

  reference(next, [p, g, m, v, lr, step, scale], { beta1, beta2, eps, weightDecay }, [, first, second]) {
    next.data.set(p.data);
    first.data.set(m.data);
    second.data.set(v.data);
    const rate = lr.data[0];
    if (scale.data[0] === 0) return;
    const bias1 = 1 - beta1 ** step.data[0];
    const bias2 = 1 - beta2 ** step.data[0];
    for (let i = 0; i < next.data.length; i++) {
      const gradient = g.data[i] * scale.data[0];
      first.data[i] = beta1 * m.data[i] + (1 - beta1) * gradient;
      second.data[i] = beta2 * v.data[i] + (1 - beta2) * gradient * gradient;
      const direction = first.data[i] / bias1 / (Math.sqrt(second.data[i] / bias2) + eps);
      next.data[i] = p.data[i] - rate * direction - rate * weightDecay * p.data[i];
    }
  },
});
