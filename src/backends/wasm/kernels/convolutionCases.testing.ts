/** For tests: convolutions of every kind that the kernels treat apart, with ragged sizes. */
import type { Shape } from "../../../core/shape.ts";
import type { Extent2, Padding } from "../../../ops/window.ts";

/** One convolution. */
export interface ConvolutionCase {
  readonly x: Shape;
  readonly weight: Shape;
  readonly stride: Extent2;
  readonly padding: Padding;
  readonly groups: number;
}

const of = (x: Shape, weight: Shape, stride: Extent2, padding: Padding, groups = 1): ConvolutionCase => ({
  x,
  weight,
  stride,
  padding,
  groups,
});

export const convolutionCases: readonly ConvolutionCase[] = [
  // pointwise
  of([1, 1, 1, 1], [1, 1, 1, 1], [1, 1], [0, 0, 0, 0]),
  of([2, 3, 5, 7], [5, 3, 1, 1], [1, 1], [0, 0, 0, 0]),
  of([3, 58, 9, 7], [116, 58, 1, 1], [1, 1], [0, 0, 0, 0]),
  of([1, 24, 13, 11], [70, 24, 1, 1], [1, 1], [0, 0, 0, 0]),
  of([2, 5, 7, 9], [6, 5, 1, 1], [2, 2], [0, 0, 0, 0]),
  of([2, 4, 6, 5], [8, 4, 1, 1], [2, 3], [1, 0, 2, 1]),
  // dense
  of([2, 3, 9, 11], [16, 3, 3, 3], [2, 2], [1, 1, 1, 1]),
  of([2, 3, 8, 8], [5, 3, 3, 3], [1, 1], [1, 1, 1, 1]),
  of([1, 1, 7, 7], [4, 1, 5, 5], [1, 1], [2, 2, 2, 2]),
  of([1, 8, 6, 9], [12, 8, 3, 2], [2, 1], [0, 1, 3, 2]),
  of([1, 6, 5, 5], [3, 6, 3, 3], [1, 1], [4, 3, 0, 5]),
  of([1, 2, 11, 10], [3, 2, 2, 3], [3, 4], [0, 0, 1, 0]),
  // grouped
  of([2, 12, 5, 4], [6, 4, 1, 1], [1, 1], [0, 0, 0, 0], 3),
  of([1, 6, 7, 5], [9, 2, 3, 3], [1, 1], [1, 1, 1, 1], 3),
  of([2, 10, 6, 6], [4, 5, 3, 3], [2, 2], [0, 1, 0, 1], 2),
  of([1, 5, 6, 6], [15, 1, 3, 3], [1, 1], [1, 1, 1, 1], 5),
  // depthwise
  of([1, 1, 5, 5], [1, 1, 3, 3], [1, 1], [1, 1, 1, 1], 1),
  of([2, 5, 7, 6], [5, 1, 3, 3], [1, 1], [1, 1, 1, 1], 5),
  of([2, 58, 9, 7], [58, 1, 3, 3], [2, 2], [1, 1, 1, 1], 58),
  of([1, 72, 8, 8], [72, 1, 3, 3], [2, 2], [0, 1, 0, 1], 72),
  of([3, 12, 4, 4], [12, 1, 5, 5], [1, 1], [2, 2, 2, 2], 12),
  of([1, 7, 11, 9], [7, 1, 5, 5], [2, 2], [2, 2, 2, 2], 7),
  of([1, 4, 9, 8], [4, 1, 7, 7], [1, 1], [3, 3, 3, 3], 4),
  of([1, 9, 8, 9], [9, 1, 2, 3], [1, 2], [3, 0, 4, 1], 9),
  of([1, 3, 10, 7], [3, 1, 3, 3], [3, 3], [0, 2, 1, 0], 3),
  of([1, 3, 9, 9], [3, 1, 1, 1], [2, 2], [0, 0, 0, 0], 3),
];
