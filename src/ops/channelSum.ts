import { need } from "../core/errors.ts";
import { formatShape } from "../core/shape.ts";
import { defineOp, type Op } from "../ir/op.ts";
import { wholly } from "./cost.ts";

/** [n, c, …] → [c]: sum over every axis but the channels'; the gradient of a bias. */
export const channelSum: Op = defineOp({
  name: "channelSum",

  shape([x]) {
    need(x.length === 2 || x.length === 4, () => `the input must be [n, c] or [n, c, h, w], found ${formatShape(x)}`);
    return [x[1]];
  },

  cost: wholly({ adds: 1 }),

  reference(y, [x]) {
    const [n, c] = x.shape;
    const area = x.data.length / (n * c);
    y.data.fill(0);
    for (let plane = 0; plane < n * c; plane++) {
      let sum = 0;
      for (let i = plane * area; i < (plane + 1) * area; i++) sum += x.data[i];
      y.data[plane % c] += sum;
    }
  },
});
