import { need } from "../core/errors.ts";
import { formatShape, isSameShape } from "../core/shape.ts";
import { defineOp, type Op } from "../ir/op.ts";
import { plain } from "./cost.ts";

/** (a, b) of one shape → the greater, element by element; a where they are equal or where either is not a number. */
export const maximum: Op = defineOp({
  name: "maximum",
  isElementwise: true,

  shape([a, b]) {
    need(isSameShape(a, b), () => `both operands must have one shape, found ${formatShape(a)} and ${formatShape(b)}`);
    return a;
  },

  cost: plain({ comparisons: 1 }),

  reference(y, [a, b]) {
    for (let i = 0; i < y.data.length; i++) y.data[i] = b.data[i] > a.data[i] ? b.data[i] : a.data[i];
  },
});

/** (dy, a, b) → dy where the operand named is the one that `maximum` took, else 0. */
export const maximumGradient: Op<{ readonly of: "first" | "second" }> = defineOp<{ readonly of: "first" | "second" }>({
  name: "maximumGradient",
  isElementwise: true,

  shape([dy, a, b]) {
    const isFit = isSameShape(dy, a) && isSameShape(dy, b);
    need(isFit, () => `all operands must have one shape, found ${formatShape(dy)}, ${formatShape(a)} and ${formatShape(b)}`);
    return dy;
  },

  cost: plain({ comparisons: 1 }),

  reference(dx, [dy, a, b], { of }) {
    for (let i = 0; i < dx.data.length; i++) dx.data[i] = b.data[i] > a.data[i] === (of === "second") ? dy.data[i] : 0;
  },
});
