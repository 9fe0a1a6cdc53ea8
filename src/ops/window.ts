import { need } from "../core/errors.ts";
import { formatShape, type Shape } from "../core/shape.ts";

/** Rows and columns added around an image: [top, bottom, left, right]. */
export type Padding = readonly [top: number, bottom: number, left: number, right: number];

/** Two extents: [rows, columns]. */
export type Extent2 = readonly [rows: number, columns: number];

/** A window sliding over an image. */
export interface Window {
  readonly kernel: Extent2;
  readonly stride: Extent2;
  readonly padding: Padding;
}

/** TensorFlow's SAME padding of one axis, [before, after]: ceil(size / stride) windows, the odd pixel goes after. */
export function samePadding(size: number, kernel: number, stride: number): readonly [before: number, after: number] {
  const total = Math.max(0, (Math.ceil(size / stride) - 1) * stride + kernel - size);
  const before = Math.floor(total / 2);
  return [before, total - before];
}

/** Refuses what is not a picture or a batch of pictures: four axes, none empty. */
export function needImages(what: string, shape: Shape): void {
  need(shape.length === 4, () => `${what} must be [n, c, h, w], found ${formatShape(shape)}`);
  need(
    shape.every((extent) => extent > 0),
    () => `${what} must have no empty axis, found ${formatShape(shape)}`,
  );
}

/** Refuses strides, kernels and paddings that are not whole or too small. */
function needWindow({ kernel, stride, padding }: Window): void {
  const isPositive = (extent: number): boolean => Number.isInteger(extent) && extent > 0;
  need(kernel.length === 2 && kernel.every(isPositive), () => `kernel must be two positive integers, found ${formatShape(kernel)}`);
  need(stride.length === 2 && stride.every(isPositive), () => `stride must be two positive integers, found ${formatShape(stride)}`);
  const isPadding = padding.length === 4 && padding.every((extent) => Number.isInteger(extent) && extent >= 0);
  need(isPadding, () => `padding must be four integers from 0 on [top, bottom, left, right], found ${formatShape(padding)}`);
}

/** Rows and columns of windows over an h × w image; refuses an image smaller than its kernel. */
export function windowCounts([h, w]: Extent2, window: Window): Extent2 {
  needWindow(window);
  const { kernel, stride, padding } = window;
  const [top, bottom, left, right] = padding;
  const rows = h + top + bottom;
  const columns = w + left + right;
  need(rows >= kernel[0] && columns >= kernel[1], () => {
    const padded = `${rows}×${columns}`;
    return `the padded image (${padded}) is smaller than the kernel (${kernel[0]}×${kernel[1]}); a larger image or more padding is needed`;
  });
  return [Math.floor((rows - kernel[0]) / stride[0]) + 1, Math.floor((columns - kernel[1]) / stride[1]) + 1];
}

/** Copies `count` planes of h × w (starting at element `from`) into the middle of zeroed, padded planes. */
export function padPlanes(x: Float64Array, from: number, count: number, [h, w]: Extent2, padding: Padding): Float64Array {
  const [top, bottom, left, right] = padding;
  const height = h + top + bottom;
  const width = w + left + right;
  const padded = new Float64Array(count * height * width);
  for (let plane = 0; plane < count; plane++) {
    for (let row = 0; row < h; row++) {
      const source = from + (plane * h + row) * w;
      padded.set(x.subarray(source, source + w), (plane * height + top + row) * width + left);
    }
  }
  return padded;
}

/** The reverse of `padPlanes`: copies the middle of `count` padded planes to `y` from element `to` on. */
export function cropPlanes(padded: Float64Array, y: Float64Array, to: number, count: number, [h, w]: Extent2, padding: Padding): void {
  const [top, bottom, left, right] = padding;
  const height = h + top + bottom;
  const width = w + left + right;
  for (let plane = 0; plane < count; plane++) {
    for (let row = 0; row < h; row++) {
      const source = (plane * height + top + row) * width + left;
      y.set(padded.subarray(source, source + w), to + (plane * h + row) * w);
    }
  }
}
