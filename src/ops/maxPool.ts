import { need } from "../core/errors.ts";
import { formatShape, isSameShape, type Shape, size } from "../core/shape.ts";
import { defineOp, type Op } from "../ir/op.ts";
import { operationsCost } from "./cost.ts";
import { movedType } from "./requantise.ts";
import { type Extent2, needImages, type Window, windowCounts } from "./window.ts";

/** `isCeil`: a last, partial window counts too if it starts inside the image or its top or left padding, as in PyTorch. */
export interface MaxPool extends Window {
  readonly isCeil: boolean;
}

function ceilCount(size: number, kernel: number, stride: number, before: number, after: number): number {
  const count = Math.ceil((size + before + after - kernel) / stride) + 1;
  return (count - 1) * stride >= size + before ? count - 1 : count;
}

function pooledExtent(x: Shape, attrs: MaxPool): Extent2 {
  const { kernel, stride, padding, isCeil } = attrs;
  const [top, bottom, left, right] = padding;
  const floors = windowCounts([x[2], x[3]], attrs);
  const isFilled = top < kernel[0] && bottom < kernel[0] && left < kernel[1] && right < kernel[1];
  need(
    isFilled,
    () => `padding ${formatShape(padding)} must be less than the kernel ${formatShape(kernel)}: a window of padding has no maximum`,
  );
  if (!isCeil) return floors;
  return [ceilCount(x[2], kernel[0], stride[0], top, bottom), ceilCount(x[3], kernel[1], stride[1], left, right)];
}

/** Where the maximum of a window lies (the first of equals, in reading order): an index into x. */
function largest(x: Float64Array, plane: number, [h, w]: Extent2, y0: number, x0: number, [kh, kw]: Extent2): number {
  let best = -1;
  for (let row = Math.max(y0, 0); row < Math.min(y0 + kh, h); row++) {
    for (let column = Math.max(x0, 0); column < Math.min(x0 + kw, w); column++) {
      const at = plane * h * w + row * w + column;
      if (best < 0 || x[at] > x[best] || Number.isNaN(x[at])) best = at;
    }
  }
  return best;
}

/** Visits every window: its index in y and the place of its maximum in x. */
function eachMaximum(x: Float64Array, shape: Shape, pooled: Shape, attrs: MaxPool, visit: (at: number, from: number) => void): void {
  const [n, c, h, w] = shape;
  const [, , oh, ow] = pooled;
  const { kernel, stride, padding } = attrs;
  for (let plane = 0; plane < n * c; plane++) {
    for (let oy = 0; oy < oh; oy++) {
      for (let ox = 0; ox < ow; ox++) {
        const from = largest(x, plane, [h, w], oy * stride[0] - padding[0], ox * stride[1] - padding[2], kernel);
        visit((plane * oh + oy) * ow + ox, from);
      }
    }
  }
}

/** The maximum of each window; padding never wins. */
export const maxPool: Op<MaxPool> = defineOp<MaxPool>({
  name: "maxPool",
  dtype: movedType,
  reorder: (_order, [x]) => ({ operands: [x], isKept: true }),

  shape([x], attrs) {
    needImages("the input", x);
    return [x[0], x[1], ...pooledExtent(x, attrs)];
  },

  cost: (inputs, { kernel }, outputs) => operationsCost(size(outputs[0]), { comparisons: kernel[0] * kernel[1] }, inputs, outputs),

  reference(y, [x], attrs) {
    eachMaximum(x.data, x.shape, y.shape, attrs, (at, from) => {
      y.data[at] = x.data[from];
    });
  },
});

/** (x, y, dy) → dx: each window's gradient goes to its maximum, the first of equals. */
export const maxPoolGradient: Op<MaxPool> = defineOp<MaxPool>({
  name: "maxPoolGradient",

  shape([x, y, dy], attrs) {
    needImages("the input", x);
    const needed = [x[0], x[1], ...pooledExtent(x, attrs)];
    const isFit = isSameShape(y, needed) && isSameShape(dy, needed);
    need(isFit, () => `output ${formatShape(y)} and gradient ${formatShape(dy)} must be ${formatShape(needed)}`);
    return x;
  },

  cost: (inputs, { kernel }, outputs) => operationsCost(size(inputs[2]), { adds: 1, comparisons: kernel[0] * kernel[1] }, inputs, outputs),

  reference(dx, [x, , dy], attrs) {
    dx.data.fill(0);
    eachMaximum(x.data, x.shape, dy.shape, attrs, (at, from) => {
      dx.data[from] += dy.data[at];
    });
  },
});
