import { defineOp, type Op } from "../ir/op.ts";
import { plain } from "./cost.ts";
import { needStates, type Optimiser } from "./optimiser.ts";

/** Momentum 0 is plain gradient descent. */
export interface Sgd extends Optimiser {
  readonly momentum: number;
  readonly nesterov: boolean;
}

/**
 * (p, g, v, lr [], scale []) → [p', v'], with g scaled first: v' = momentum · v + g; p' = p − lr · (v', or g + momentum · v' for Nesterov) −
 * lr · weightDecay · p. Scale 0 changes nothing, whatever g holds.
 */
export const sgd: Op<Sgd> = defineOp<Sgd>({
  name: "sgd",
  weightInputs: [0, 1, 2],
  weightOutputs: [0, 1],
  inPlace: { 0: 0, 1: 2 },

  shape([p, g, v, lr, scale]) {
    needStates(p, { gradient: g, velocity: v }, { lr, scale });
    return [p, p];
  },

  cost: plain({ adds: 3, multiplications: 4 }),

  reference(next, [p, g, v, lr, scale], { momentum, nesterov, weightDecay }, [, velocity]) {
    next.data.set(p.data);
    velocity.data.set(v.data);
    const rate = lr.data[0];
    if (scale.data[0] === 0) return;
    for (let i = 0; i < next.data.length; i++) {
      const gradient = g.data[i] * scale.data[0];
      velocity.data[i] = momentum * v.data[i] + gradient;
      const direction = nesterov ? gradient + momentum * velocity.data[i] : velocity.data[i];
      next.data[i] = p.data[i] - rate * direction - rate * weightDecay * p.data[i];
    }
  },
});
