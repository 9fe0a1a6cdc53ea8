import { need } from "../core/errors.ts";
import { defineOp, type Op } from "../ir/op.ts";
import { broadcastIndex, needBroadcast } from "./broadcast.ts";
import { plain } from "./cost.ts";

/**
 * (x, noise in [0, 1)) → x / (1 − rate) where noise ≥ rate, else 0. Noise of x's shape is dropout (Srivastava et al., JMLR 2014); noise [n, 1, 1, 1]
 * drops a sample's whole branch: stochastic depth, arXiv 1603.09382.
 */
export const dropout: Op<{ readonly rate: number }> = defineOp<{ readonly rate: number }>({
  name: "dropout",
  isElementwise: true,

  shape([x, noise], { rate }) {
    need(rate >= 0 && rate < 1, () => `rate must be from 0 on and below 1, found ${rate}`);
    needBroadcast("the noise", noise, x);
    return x;
  },

  cost: plain({ multiplications: 1, comparisons: 1 }),

  reference(y, [x, noise], { rate }) {
    const meets = broadcastIndex(noise.shape, x.shape);
    for (let i = 0; i < y.data.length; i++) y.data[i] = noise.data[meets[i]] >= rate ? x.data[i] / (1 - rate) : 0;
  },
});
