import { need } from "../core/errors.ts";
import { formatShape, isSameShape } from "../core/shape.ts";
import { defineOp, type Op } from "../ir/op.ts";
import { plain } from "./cost.ts";

/** (a, b) of one shape → a + b: residuals, and sums of gradients. */
export const add: Op = defineOp({
  name: "add",
  isElementwise: true,
  isCommutative: true,

  shape([a, b]) {
    need(isSameShape(a, b), () => `both operands must have one shape, found ${formatShape(a)} and ${formatShape(b)}`);
    return a;
  },

  cost: plain({ adds: 1 }),

  reference(y, [a, b]) {
    for (let i = 0; i < y.data.length; i++) y.data[i] = a.data[i] + b.data[i];
  },
});
