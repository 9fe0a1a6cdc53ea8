import { need } from "../core/errors.ts";
import { formatShape, type Shape } from "../core/shape.ts";
import { needImages, type Window, windowCounts } from "./window.ts";

/** `countsPadding`: divide by the whole window (PyTorch's default) or only by its pixels inside the image (TensorFlow). */
export interface AveragePool extends Window {
  readonly countsPadding: boolean;
}

/** Shape of the pooled image; refuses windows that lie in the padding. */
export function pooledShape(x: Shape, attrs: AveragePool): Shape {
  needImages("the input", x);
  const { kernel, padding } = attrs;
  const [top, bottom, left, right] = padding;
  const counts = windowCounts([x[2], x[3]], attrs);
  const isFilled = top < kernel[0] && bottom < kernel[0] && left < kernel[1] && right < kernel[1];
  need(isFilled, () => `padding ${formatShape(padding)} must be less than the kernel ${formatShape(kernel)}: a window needs a pixel`);
  return [x[0], x[1], ...counts];
}

/** Visits every (window, pixel inside the image) pair: index in y, index in x, and 1 / divisor of the window. */
export function eachPixel(
  shape: Shape,
  pooled: Shape,
  attrs: AveragePool,
  visit: (at: number, pixel: number, share: number) => void,
): void {
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
