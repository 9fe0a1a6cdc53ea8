import { defineOp, type Op } from "../ir/op.ts";
import { broadcastRuns, needBroadcast } from "./broadcast.ts";
import { plain } from "./cost.ts";

/** (a, b) → a + b, b broadcast to a's shape: residuals, and sums of gradients. */
export const add: Op = defineOp({
  name: "add",
  isElementwise: true,
  isCommutative: true,

  shape([a, b]) {
    needBroadcast("the second operand", b, a);
    return a;
  },

  cost: plain({ adds: 1 }),

  reference(y, [a, b]) {
    const { run, index } = broadcastRuns(b.shape, a.shape);
    for (const [at, meets] of index.entries()) {
      const term = b.data[meets];
      for (let i = at * run; i < (at + 1) * run; i++) y.data[i] = a.data[i] + term;
    }
  },
});
