import { defineOp, type Op } from "../ir/op.ts";
import { broadcastRuns, needBroadcast } from "./broadcast.ts";
import { plain } from "./cost.ts";

/**
 * (a, b) → a / b, b broadcast to a's shape. Not said to be elementwise: in a layer's epilogue a small denominator would make much of that
 * layer's rounding. Nor has it a kernel: the lanes that fill up a pixel may hold zeros, and their quotients would not be numbers.
 */
export const divide: Op = defineOp({
  name: "divide",

  shape([a, b]) {
    needBroadcast("the second operand", b, a);
    return a;
  },

  cost: plain({ multiplications: 1 }),

  reference(y, [a, b]) {
    const { run, index } = broadcastRuns(b.shape, a.shape);
    for (const [at, meets] of index.entries()) {
      const divisor = b.data[meets];
      for (let i = at * run; i < (at + 1) * run; i++) y.data[i] = a.data[i] / divisor;
    }
  },
});
