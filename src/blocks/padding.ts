import type { Shape } from "../core/shape.ts";
import { samePadding } from "../ops/window.ts";

/** How a layer pads: as PyTorch's references do (half the kernel on each side) or as TensorFlow's "SAME" does (by size, the odd pixel last). */
export type PaddingStyle = "symmetrical" | "tensorflow";

/** Padding of an image layer: a style, or pixels before and after on each axis [height, width]. */
export type Padding = PaddingStyle | number | Pair;

/** [height, width]. */
export type Pair = readonly [number, number];

/** The same on both axes, unless both were given. */
export function pair(extent: number | Pair): Pair {
  return typeof extent === "number" ? [extent, extent] : extent;
}

/** [top, bottom, left, right] in pixels for an image [n, c, h, w]. */
export function pixelsOfPadding(padding: Padding, image: Shape, kernel: Pair, stride: Pair): readonly [number, number, number, number] {
  if (padding === "tensorflow") {
    return [...samePadding(image[2], kernel[0], stride[0]), ...samePadding(image[3], kernel[1], stride[1])];
  }
  const [vertical, horizontal] = padding === "symmetrical" ? [kernel[0] >> 1, kernel[1] >> 1] : pair(padding);
  return [vertical, vertical, horizontal, horizontal];
}
