import { defineOp, type Op } from "../ir/op.ts";
import { broadcastRuns, needBroadcast } from "./broadcast.ts";
import { plain } from "./cost.ts";

/** A function of its own: weights are folded by it while a page waits, and what is called often is compiled soon. */
function scaleRun(y: Float64Array, a: Float64Array, from: number, to: number, factor: number): void {
  for (let i = from; i < to; i++) y[i] = a[i] * factor;
}

/** (a, b) → a · b, b broadcast to a's shape: the gates of squeeze-and-excitation. */
export const multiply: Op = defineOp({
  name: "multiply",
  isElementwise: true,

  shape([a, b]) {
    needBroadcast("the second operand", b, a);
    return a;
  },

  cost: plain({ multiplications: 1 }),

  reference(y, [a, b]) {
    const { run, index } = broadcastRuns(b.shape, a.shape);
    for (let at = 0; at < index.length; at++) scaleRun(y.data, a.data, at * run, (at + 1) * run, b.data[index[at]]);
  },
});
