import assert from "node:assert/strict";
import { test } from "node:test";
import { ShapeError } from "../core/errors.ts";
import { type Shape, size } from "../core/shape.ts";
import { ops } from "./index.ts";

function apply(x: readonly number[], shape: Shape, weight: readonly number[], weightShape: Shape, attrs: object): number[] {
  const typed = attrs as Parameters<typeof ops.channelConv.shapes>[1];
  const [out] = ops.channelConv.shapes([shape, weightShape], typed);
  const y = { shape: out, data: new Float64Array(size(out)) };
  const inputs = [
    { shape, data: Float64Array.from(x) },
    { shape: weightShape, data: Float64Array.from(weight) },
  ];
  ops.channelConv.reference(y, inputs, typed, [y]);
  return [...y.data];
}

test("kernels slide along the channels, zeros beyond both ends; outputs go kernel by kernel", () => {
  const attrs = { stride: 2, padding: [1, 1] };
  // Windows of channels (0 1 2 3) and (2 3 4 0), the first and last channel being padding.
  assert.deepEqual(apply([1, 2, 3, 4], [1, 4, 1, 1], [1, 10, 100, 1000, 1, 1, 1, 1], [2, 1, 4, 1, 1], attrs), [3210, 432, 6, 9]);
});

test("a kernel over rows and columns takes whole windows of the image", () => {
  const x = [1, 2, 3, 4, 5, 6, 7, 8];
  assert.deepEqual(apply(x, [1, 2, 2, 2], [1, 10, 100, 1000], [1, 1, 1, 2, 2], { stride: 1, padding: [0, 0] }), [4321, 8765]);
  assert.deepEqual(apply(x, [1, 2, 2, 2], [1, 10], [1, 1, 2, 1, 1], { stride: 1, padding: [0, 0] }), [51, 62, 73, 84]);
});

const wrong: readonly (readonly [what: string, shapes: readonly Shape[], attrs: object, message: RegExp])[] = [
  [
    "a weight of an image's convolution",
    [
      [1, 4, 2, 2],
      [2, 1, 3, 3],
    ],
    {},
    /must be \[kernels, 1, length, kh, kw\], found \[2, 1, 3, 3\]/,
  ],
  [
    "a stride of 0",
    [
      [1, 4, 2, 2],
      [1, 1, 3, 1, 1],
    ],
    { stride: 0 },
    /stride must be a positive integer, found 0/,
  ],
  [
    "half a zero",
    [
      [1, 4, 2, 2],
      [1, 1, 3, 1, 1],
    ],
    { padding: [0.5, 0] },
    /padding must be two integers from 0 on/,
  ],
  [
    "a kernel longer than the channels",
    [
      [1, 4, 2, 2],
      [1, 1, 7, 1, 1],
    ],
    { padding: [1, 1] },
    /padded channels \(6\) .* length \(7\)/,
  ],
  [
    "an image smaller than the kernel",
    [
      [1, 4, 2, 2],
      [1, 1, 3, 3, 1],
    ],
    {},
    /image \(2×2\) is smaller than the kernel \(3×1\)/,
  ],
];

for (const [what, shapes, attrs, message] of wrong) {
  test(`${what} is refused`, () => {
    assert.throws(
      () => ops.channelConv.shapes(shapes, { stride: 1, padding: [0, 0], ...attrs }, "gcw"),
      (error: unknown) => error instanceof ShapeError && error.message.startsWith('channelConv at "gcw": ') && message.test(error.message),
    );
  });
}
