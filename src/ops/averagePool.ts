import { need } from "../core/errors.ts";
import { formatShape, isSameShape, type Shape, size } from "../core/shape.ts";
import { defineOp, type Op } from "../ir/op.ts";
import { operationsCost } from "./cost.ts";
import { needImages, type Window, windowCounts } from "./window.ts";

/** `countsPadding`: divide by the whole window (PyTorch's default) or only by its pixels inside the image (TensorFlow). */
export interface AveragePool extends Window {
  readonly countsPadding: boolean;
}

/** An average pooling and the shape of its input. */
export interface AveragePoolGradient extends AveragePool {
  readonly inputShape: Shape;
}

function pooledShape(x: Shape, attrs: AveragePool): Shape {
  needImages("the input", x);
  const { kernel, padding } = attrs;
  const [top, bottom, left, right] = padding;
  const counts = windowCounts([x[2], x[3]], attrs);
  const isFilled = top < kernel[0] && bottom < kernel[0] && left < kernel[1] && right < kernel[1];
  need(isFilled, () => `padding ${formatShape(padding)} must be less than the kernel ${formatShape(kernel)}: a window needs a pixel`);
  return [x[0], x[1], ...counts];
}

/** Visits every (window, pixel inside the image) pair: index in y, index in x, and 1 / divisor of the window. */
function eachPixel(shape: Shape, pooled: Shape, attrs: AveragePool, visit: (at: number, pixel: number, share: number) => void): void {
  const [n, c, h, w] = shape;
  const [, , oh, ow] = pooled;
  const { kernel, stride, padding, countsPadding } = attrs;
  for (let plane = 0; plane < n * c; plane++) {
    for (let oy = 0; oy < oh; oy++) {
      const y0 = oy * stride[0] - padding[0];
      const [rowFrom, rowTo] = [Math.max(y0, 0), Math.min(y0 + kernel[0], h)];
      for (let ox = 0; ox < ow; ox++) {
        const x0 = ox * stride[1] - padding[2];
        const [from, to] = [Math.max(x0, 0), Math.min(x0 + kernel[1], w)];
        const share = 1 / (countsPadding ? kernel[0] * kernel[1] : (rowTo - rowFrom) * (to - from));
        const at = (plane * oh + oy) * ow + ox;
        for (let row = rowFrom; row < rowTo; row++) {
          for (let column = from; column < to; column++) visit(at, (plane * h + row) * w + column, share);
        }
      }
    }
  }
}

/** The mean of each window. */
export const averagePool: Op<AveragePool> = defineOp<AveragePool>({
  name: "averagePool",

  shape: ([x], attrs) => pooledShape(x, attrs),

  cost: (inputs, { kernel }, outputs) =>
    operationsCost(size(outputs[0]), { adds: kernel[0] * kernel[1], multiplications: 1 }, inputs, outputs),

  gradient: (g, [x], dy, attrs) => [averagePoolGradient(g, [dy], { ...attrs, inputShape: x.shape })],

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
