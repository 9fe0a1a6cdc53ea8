import type { Shape } from "../core/shape.ts";
import { defineOp, type Op } from "../ir/op.ts";
import { broadcastIndex, needBroadcast } from "./broadcast.ts";
import { wholly } from "./cost.ts";

/** Sums over the axes along which `shape` would be broadcast to x: the gradient of broadcasting. */
export const sumTo: Op<{ readonly shape: Shape }> = defineOp<{ readonly shape: Shape }>({
  name: "sumTo",

  shape([x], { shape }) {
    needBroadcast("the target", shape, x);
    return shape;
  },

  cost: wholly({ adds: 1 }),

  reference(y, [x], { shape }) {
    const meets = broadcastIndex(shape, x.shape);
    y.data.fill(0);
    for (let i = 0; i < x.data.length; i++) y.data[meets[i]] += x.data[i];
  },
});
