import { need } from "../core/errors.ts";
import { formatShape } from "../core/shape.ts";
import { defineOp, type Op } from "../ir/op.ts";
import { plain } from "./cost.ts";
import { movedType } from "./requantise.ts";

/** Interleaves channel groups so that grouped convolutions can mix. ShuffleNet, arXiv 1707.01083, fig. 1. */
export const channelShuffle: Op<{ readonly groups: number }> = defineOp<{ readonly groups: number }>({
  name: "channelShuffle",
  isRouting: true,
  dtype: movedType,

  shape([x], { groups }) {
    need(x.length >= 2, () => `the input must have channels, found ${formatShape(x)}`);
    const isDivisor = Number.isInteger(groups) && groups > 0 && x[1] % groups === 0;
    need(isDivisor, () => `groups (${groups}) must divide the channels (${x[1]})`);
    return x;
  },

  cost: plain({}),

  reference(y, [x], { groups }) {
    const [n, c] = x.shape;
    const perGroup = c / groups;
    const area = x.data.length / (n * c);
    for (let i = 0; i < n * c; i++) {
      const channel = i % c;
      const to = i - channel + (channel % perGroup) * groups + Math.floor(channel / perGroup);
      y.data.set(x.data.subarray(i * area, (i + 1) * area), to * area);
    }
  },
});
