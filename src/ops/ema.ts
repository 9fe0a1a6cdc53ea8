import { defineOp, type Op } from "../ir/op.ts";
import { plain } from "./cost.ts";
import { needStates } from "./optimiser.ts";

/** (shadow, p, decay []) → decay · shadow + (1 − decay) · p: the moving average of a weight. */
export const ema: Op = defineOp({
  name: "ema",
  isElementwise: true,
  weightInputs: [0, 1],
  weightOutputs: [0],

  shape([shadow, p, decay]) {
    needStates(p, { shadow }, { decay });
    return shadow;
  },

  cost: plain({ adds: 1, multiplications: 2 }),

  reference(next, [shadow, p, decay]) {
    const kept = decay.data[0];
    for (let i = 0; i < next.data.length; i++) next.data[i] = kept * shadow.data[i] + (1 - kept) * p.data[i];
  },
});
