import { need } from "../core/errors.ts";
import { formatShape, isSameShape, type Shape, size } from "../core/shape.ts";
import { defineOp, type Op } from "../ir/op.ts";
import { operationsCost, plain } from "./cost.ts";
import { needImages } from "./window.ts";

/** [n, c, h, w] → [n, c, 1, 1]: the mean of each plane. */
export const globalAveragePool: Op = defineOp({
  name: "globalAveragePool",
  reorder: (_order, [x]) => ({ operands: [x], isKept: true }),

  shape([x]) {
    needImages("the input", x);
    return [x[0], x[1], 1, 1];
  },

  cost: (inputs, _attrs, outputs) => ({
    ...operationsCost(size(inputs[0]), { adds: 1 }, inputs, outputs),
    multiplications: size(outputs[0]),
  }),

  reference(y, [x]) {
    const area = x.data.length / y.data.length;
    for (let plane = 0; plane < y.data.length; plane++) {
      let sum = 0;
      for (let i = plane * area; i < (plane + 1) * area; i++) sum += x.data[i];
      y.data[plane] = sum / area;
    }
  },
});

/** dy [n, c, 1, 1] → dx: each plane's gradient in equal shares to its pixels. */
export const globalAveragePoolGradient: Op<{ readonly inputShape: Shape }> = defineOp<{ readonly inputShape: Shape }>({
  name: "globalAveragePoolGradient",

  shape([dy], { inputShape }) {
    needImages("the input", inputShape);
    const needed = [inputShape[0], inputShape[1], 1, 1];
    need(isSameShape(dy, needed), () => `the output's gradient is ${formatShape(dy)}, needed ${formatShape(needed)}`);
    return inputShape;
  },

  cost: plain({ multiplications: 1 }),

  reference(dx, [dy]) {
    const area = dx.data.length / dy.data.length;
    for (let plane = 0; plane < dy.data.length; plane++) dx.data.fill(dy.data[plane] / area, plane * area, (plane + 1) * area);
  },
});
