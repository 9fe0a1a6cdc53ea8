import { need } from "../core/errors.ts";
import { defineOp, type Op } from "../ir/op.ts";
import { plain } from "./cost.ts";

/** The least and the greatest number that is let through. */
export interface Clip {
  readonly low: number;
  readonly high: number;
}

/** min(max(x, low), high). Of networks that come from elsewhere; those that are trained here clip by `relu6`. */
export const clip: Op<Clip> = defineOp<Clip>({
  name: "clip",
  isElementwise: true,

  shape([x], { low, high }) {
    need(low <= high, () => `the bounds must be in order, found ${low} and ${high}`);
    return x;
  },

  cost: plain({ comparisons: 2 }),

  reference(y, [x], { low, high }) {
    for (let i = 0; i < y.data.length; i++) y.data[i] = Math.min(Math.max(x.data[i], low), high);
  },
});
