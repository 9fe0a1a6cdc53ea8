import { isSameShape } from "../core/shape.ts";
import { defineOp, type Op } from "../ir/op.ts";
import { broadcastRuns, needBroadcast } from "./broadcast.ts";
import { plain } from "./cost.ts";
import { added } from "./integerRules.ts";
import { sumTo } from "./sumTo.ts";

/** (a, b) → a + b, b broadcast to a's shape: residuals, and sums of gradients. */
export const add: Op = defineOp({
  name: "add",
  isElementwise: true,
  isCommutative: true,
  integer: added,
  attributes: {},

  shape([a, b]) {
    needBroadcast("the second operand", b, a);
    return a;
  },

  cost: plain({ adds: 1 }),
  gradient: (g, [a, b], dy) => [dy, isSameShape(a.shape, b.shape) ? dy : sumTo(g, [dy], { shape: b.shape })],

  reference(y, [a, b]) {
    const { run, index } = broadcastRuns(b.shape, a.shape);
    for (const [at, meets] of index.entries()) {
      const term = b.data[meets];
      for (let i = at * run; i < (at + 1) * run; i++) y.data[i] = a.data[i] + term;
    }
  },
});
