import { need } from "../core/errors.ts";
import { formatShape, isSameShape, type Shape, size } from "../core/shape.ts";
import { defineOp, type Op } from "../ir/op.ts";
import { type AveragePool, eachPixel, pooledShape } from "./averageWindows.ts";
import { operationsCost } from "./cost.ts";

/** An average pooling and the shape of its input. */
export interface AveragePoolGradient extends AveragePool {
  readonly inputShape: Shape;
}

/** The mean of each window. */
export const averagePool: Op<AveragePool> = defineOp<AveragePool>({
  name: "averagePool",
  reorder: (_order, [x]) => ({ operands: [x], isKept: true }),

  shape: ([x], attrs) => pooledShape(x, attrs),

  cost: (inputs, { kernel }, outputs) =>
    operationsCost(size(outputs[0]), { adds: kernel[0] * kernel[1], multiplications: 1 }, inputs, outputs),

  reference(y, [x], attrs) {
    y.data.fill(0);
    eachPixel(x.shape, y.shape, attrs, (at, pixel, share) => {
      y.data[at] += x.data[pixel] * share;
    });
  },
});

/** dy → dx: each window's gradient in equal shares to its pixels. */
export const averagePoolGradient: Op<AveragePoolGradient> = defineOp<AveragePoolGradient>({
  name: "averagePoolGradient",

  shape([dy], attrs) {
    const needed = pooledShape(attrs.inputShape, attrs);
    need(isSameShape(dy, needed), () => `the output's gradient is ${formatShape(dy)}, needed ${formatShape(needed)}`);
    return attrs.inputShape;
  },

  cost: (inputs, { kernel }, outputs) =>
    operationsCost(size(inputs[0]), { adds: kernel[0] * kernel[1], multiplications: 1 }, inputs, outputs),

  reference(dx, [dy], attrs) {
    dx.data.fill(0);
    eachPixel(dx.shape, dy.shape, attrs, (at, pixel, share) => {
      dx.data[pixel] += dy.data[at] * share;
    });
  },
});
