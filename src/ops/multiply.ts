import { defineOp, type Op } from "../ir/op.ts";
import { broadcastIndex, needBroadcast } from "./broadcast.ts";
import { plain } from "./cost.ts";
import { gated } from "./integerRules.ts";
import { sumTo } from "./sumTo.ts";

/** (a, b) → a · b, b broadcast to a's shape: the gates of squeeze-and-excitation. */
export const multiply: Op = defineOp({
  name: "multiply",
  isElementwise: true,
  integer: gated,

  shape([a, b]) {
    needBroadcast("the second operand", b, a);
    return a;
  },

  cost: plain({ multiplications: 1 }),

  gradient: (g, [a, b], dy) => [multiply(g, [dy, b], {}), sumTo(g, [multiply(g, [dy, a], {})], { shape: b.shape })],

  reference(y, [a, b]) {
    const meets = broadcastIndex(b.shape, a.shape);
    for (let i = 0; i < y.data.length; i++) y.data[i] = a.data[i] * b.data[meets[i]];
  },
});
