import { need } from "../core/errors.ts";
import { formatShape, isSameShape } from "../core/shape.ts";
import { defineOp, type Op } from "../ir/op.ts";
import type { BatchNorm } from "./batchNorm.ts";
import { plain } from "./cost.ts";

/** (gamma [c], var [c]) → gamma / √(var + eps): what a normalisation with stored statistics multiplies each channel by. */
export const normScale: Op<BatchNorm> = defineOp<BatchNorm>({
  name: "normScale",

  shape([gamma, variance]) {
    need(isSameShape(gamma, variance), () => `gamma ${formatShape(gamma)} and var ${formatShape(variance)} must have one shape`);
    return gamma;
  },

  cost: plain({ adds: 1, multiplications: 2 }),

  reference(y, [gamma, variance], { eps }) {
    for (let i = 0; i < y.data.length; i++) y.data[i] = gamma.data[i] / Math.sqrt(variance.data[i] + eps);
  },
});
