import { defineOp, type Op } from "../ir/op.ts";
import { broadcastRuns, needBroadcast } from "./broadcast.ts";
import { plain } from "./cost.ts";
import { gated } from "./integerRules.ts";
import { sumTo } from "./sumTo.ts";

/** (a, b) → a · b, b broadcast to a's shape: the gates of squeeze-and-excitation. */
export const multiply: Op = defineOp({
  name: "multiply",
  isElementwise: true,
  integer: gated,
  attributes: {},

  shape([a, b]) {
    needBroadcast("the second operand", b, a);
    return a;
  },

  cost: plain({ multiplications: 1 }),

  gradient: (g, [a, b], dy) => [multiply(g, [dy, b], {}), sumTo(g, [multiply(g, [dy, a], {})], { shape: b.shape })],

  reference(y, [a, b]) {
    const { run, index } = broadcastRuns(b.shape, a.shape);
    for (const [at, meets] of index.entries()) {
      const factor = b.data[meets];
      for (let i = at * run; i < (at + 1) * run; i++) y.data[i] = a.data[i] * factor;
    }
  },
});
