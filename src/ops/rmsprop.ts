import { defineOp, type Op } from "../ir/op.ts";
import { plain } from "./cost.ts";
import { needStates, type Optimiser } from "./optimiser.ts";

/** `decay` of the mean square; `eps` is inside the root. */
export interface RmsProp extends Optimiser {
  readonly decay: number;
  readonly eps: number;
  readonly momentum: number;
}

/**
 * (p, g, s, v, lr [], scale []) → [p', s', v'], with g scaled first, in the form that MobileNet's papers trained with (TensorFlow's):
 * s' = decay · s + (1 − decay) · g²; v' = momentum · v + lr · g / √(s' + eps); p' = p − v' − lr · weightDecay · p. Scale 0 changes nothing.
 */
export const rmsprop: Op<RmsProp> = defineOp<RmsProp>({
  name: "rmsprop",
  weightInputs: [0, 1, 2, 3],
  weightOutputs: [0, 1, 2],
  inPlace: { 0: 0, 1: 2, 2: 3 },

  shape([p, g, s, v, lr, scale]) {
    needStates(p, { gradient: g, "mean square": s, velocity: v }, { lr, scale });
    return [p, p, p];
  },

  cost: plain({ adds: 5, multiplications: 9 }),

  reference(next, [p, g, s, v, lr, scale], { decay, eps, momentum, weightDecay }, [, squares, velocity]) {
    next.data.set(p.data);
    squares.data.set(s.data);
    velocity.data.set(v.data);
    const rate = lr.data[0];
    if (scale.data[0] === 0) return;
    for (let i = 0; i < next.data.length; i++) {
      const gradient = g.data[i] * scale.data[0];
      squares.data[i] = decay * s.data[i] + (1 - decay) * gradient * gradient;
      velocity.data[i] = momentum * v.data[i] + (rate * gradient) / Math.sqrt(squares.data[i] + eps);
      next.data[i] = p.data[i] - velocity.data[i] - rate * weightDecay * p.data[i];
    }
  },
});
