import type { DType } from "../../src/core/dtype.ts";
import { type Shape, size } from "../../src/core/shape.ts";
import { blockTotal, MOST_WEIGHT, signedTotal } from "../../src/ops/integerSums.ts";
import type { Extent2, Padding } from "../../src/ops/window.ts";
import { type Case, type Draw, type Operand, signed } from "./case.ts";

const integers =
  (least: number, most: number): Draw =>
  (stream, shape) =>
    Float32Array.from({ length: size(shape) }, (_, i) => least + Math.floor(stream.uniform(i) * (most - least + 1)));

const u7 = (shape: Shape): Operand => ({ shape, draw: integers(0, 127), dtype: "u7", isFrozen: true });
const u8 = (shape: Shape): Operand => ({ shape, draw: integers(0, 255), dtype: "u8", isFrozen: true });
const i8 = (shape: Shape, draw: Draw = integers(-128, 127)): Operand => ({ shape, draw, dtype: "i8", isFrozen: true });
const table: Operand = { shape: [256], draw: integers(0, 127), dtype: "u7", isFrozen: true };

/** Ratios that spread sums of so many products over the range of the result. */
const ratios = (outputs: number, products: number): Operand => ({
  shape: [outputs],
  isFrozen: true,
  draw: (stream, shape) => Float32Array.from({ length: size(shape) }, (_, i) => (0.5 + stream.uniform(i)) / (60 * Math.sqrt(products))),
});
const offsets = (outputs: number): Operand => ({
  shape: [outputs],
  isFrozen: true,
  draw: (stream, shape) => Float32Array.from({ length: size(shape) }, (_, i) => 128 * stream.uniform(i)),
});

const u7Bounds = { to: "u7", low: 0, high: 127 } as const;
const u8Bounds = { to: "u8", low: 0, high: 255 } as const;
const narrowBounds = { to: "u7", low: 7, high: 90 } as const;
const floats = { to: "f32", low: 0, high: 0 } as const;

interface Layer {
  readonly x: Shape;
  readonly weight: Shape;
  readonly stride?: Extent2;
  readonly padding?: Padding;
  readonly groups?: number;
}

const layers: readonly Layer[] = [
  { x: [1, 1, 1, 1], weight: [1, 1, 1, 1] },
  { x: [2, 3, 5, 7], weight: [5, 3, 1, 1] },
  { x: [1, 16, 7, 7], weight: [24, 16, 1, 1] },
  { x: [3, 58, 3, 5], weight: [58, 58, 1, 1] },
  { x: [2, 7, 9, 9], weight: [3, 7, 1, 1], stride: [2, 2] },
  { x: [1, 132, 4, 4], weight: [33, 132, 1, 1] },
  { x: [1, 576, 3, 3], weight: [160, 576, 1, 1] },
  { x: [2, 24, 1, 1], weight: [8, 24, 1, 1] },
  { x: [1, 3, 11, 9], weight: [8, 3, 3, 3], stride: [2, 2], padding: [1, 1, 1, 1] },
  { x: [2, 1, 28, 28], weight: [8, 1, 3, 3], padding: [1, 1, 1, 1] },
  { x: [1, 5, 6, 7], weight: [7, 5, 3, 3], padding: [1, 1, 1, 1] },
  { x: [1, 16, 6, 7], weight: [4, 16, 3, 3], padding: [1, 0, 2, 1] },
  { x: [3, 4, 9, 5], weight: [5, 4, 5, 5], padding: [2, 2, 2, 2], stride: [2, 2] },
  { x: [2, 5, 7, 6], weight: [3, 5, 1, 3], padding: [0, 0, 1, 1] },
  { x: [1, 2, 5, 5], weight: [3, 2, 2, 4], stride: [1, 2], padding: [2, 0, 1, 3] },
  { x: [1, 20, 12, 12], weight: [20, 20, 3, 3], padding: [1, 1, 1, 1] },
  { x: [2, 6, 5, 5], weight: [4, 3, 3, 3], padding: [1, 1, 1, 1], groups: 2 },
  { x: [1, 24, 6, 6], weight: [12, 8, 1, 1], groups: 3 },
  { x: [2, 15, 5, 4], weight: [10, 3, 1, 1], groups: 5 },
  { x: [1, 60, 4, 4], weight: [60, 20, 1, 1], groups: 3 },
  { x: [1, 16, 5, 5], weight: [16, 4, 3, 3], padding: [1, 1, 1, 1], stride: [2, 2], groups: 4 },
  { x: [2, 3, 5, 5], weight: [6, 1, 3, 3], padding: [1, 1, 1, 1], groups: 3 },
  { x: [2, 5, 6, 7], weight: [5, 1, 3, 3], padding: [1, 1, 1, 1], groups: 5 },
];

const bounds = [u7Bounds, u8Bounds, narrowBounds, floats] as const;

/** Weights of distances. */
const places = (shape: Shape): Operand => i8(shape, integers(0, 127));

/** Filters whose weights, by a total of each filter's, keep to the bound. */
const bounded =
  (totalOf: (filter: Float32Array, taps: number) => number): Draw =>
  (stream, shape) => {
    const weights = integers(-128, 127)(stream, shape);
    const length = size(shape.slice(1));
    for (let from = 0; from < weights.length; from += length) {
      const filter = weights.subarray(from, from + length);
      const most = totalOf(filter, size(shape.slice(2)));
      if (most > MOST_WEIGHT) for (const [i, weight] of filter.entries()) filter[i] = Math.trunc((weight * MOST_WEIGHT) / most);
    }
    return weights;
  };
const wide = (shape: Shape): Operand => i8(shape, bounded(blockTotal));

/** The brightest pixels and the largest filters that kernels must hold: short sums of 32,766 and −32,766. */
const extreme: Case = {
  operands: [
    { ...u7([1, 64, 4, 5]), draw: integers(127, 127) },
    i8([8, 64, 1, 1], (_, shape) =>
      Float32Array.from({ length: size(shape) }, (_, i) => (i & 64 ? -1 : 1) * ((i >> 2) % 4 === 0 && i % 2 === 0 ? 34 : 32)),
    ),
    ratios(8, 64),
    offsets(8),
  ],
  attrs: { stride: [1, 1], padding: [0, 0, 0, 0], groups: 1, similarity: "product", zero: 0, ...floats },
};

export const integerConv2d: readonly Case[] = [
  extreme,
  ...(["product", "l1"] as const).flatMap((similarity) =>
    layers.map(({ x, weight, stride = [1, 1], padding = [0, 0, 0, 0], groups = 1 }, i) => ({
      operands: [u7(x), similarity === "l1" ? places(weight) : wide(weight), ratios(weight[0], size(weight.slice(1))), offsets(weight[0])],
      attrs: { stride, padding, groups, similarity, zero: (37 * i) % 128, ...bounds[i % 4] },
    })),
  ),
];

const depthwiseLayers: readonly Layer[] = [
  { x: [1, 1, 5, 5], weight: [1, 1, 3, 3], padding: [1, 1, 1, 1] },
  { x: [2, 5, 6, 7], weight: [5, 1, 3, 3], padding: [1, 1, 1, 1] },
  { x: [1, 58, 9, 9], weight: [58, 1, 3, 3], stride: [2, 2], padding: [1, 1, 1, 1] },
  { x: [3, 16, 14, 14], weight: [16, 1, 3, 3], stride: [2, 2], padding: [0, 1, 0, 1] },
  { x: [2, 24, 7, 7], weight: [24, 1, 5, 5], padding: [2, 2, 2, 2] },
  { x: [1, 7, 10, 8], weight: [7, 1, 5, 5], stride: [2, 2], padding: [1, 2, 1, 2] },
  { x: [1, 12, 2, 2], weight: [12, 1, 3, 3], padding: [1, 1, 1, 1] },
  { x: [1, 4, 3, 3], weight: [4, 1, 3, 3], padding: [2, 2, 2, 2] },
  { x: [1, 3, 8, 11], weight: [3, 1, 7, 7], padding: [3, 3, 3, 3] },
  { x: [1, 40, 13, 12], weight: [40, 1, 3, 3], padding: [1, 1, 1, 1] },
  { x: [1, 9, 8, 9], weight: [9, 1, 2, 3], stride: [1, 2], padding: [3, 0, 4, 1] },
];

export const integerDepthwise: readonly Case[] = depthwiseLayers.map(({ x, weight, stride = [1, 1], padding = [0, 0, 0, 0] }, i) => ({
  operands: [
    u7(x),
    i8(weight, bounded(signedTotal)),
    { shape: [weight[0]], draw: integers(-3000, 3000), isFrozen: true },
    { shape: [weight[0]], draw: integers(100, 900), isFrozen: true },
  ],
  attrs: { stride, padding, zero: (53 * i) % 128, ...bounds[i % 3] },
}));

export const integerLinear: readonly Case[] = (
  [
    [1, 1, 1],
    [1, 37, 10],
    [2, 64, 3],
    [5, 130, 45],
    [1, 1280, 100],
  ] as const
).map(([n, inputs, outputs], i) => ({
  operands: [u7([n, inputs]), i % 2 === 1 ? places([outputs, inputs]) : wide([outputs, inputs]), ratios(outputs, inputs), offsets(outputs)],
  attrs: { similarity: i % 2 === 1 ? "l1" : "product", ...bounds[(i + 3) % 4] },
}));

const shapes: readonly Shape[] = [
  [1, 1, 1, 1],
  [2, 3, 5, 7],
  [1, 24, 6, 6],
  [2, 58, 9, 5],
];

export const integerAdd: readonly Case[] = [
  ...shapes.map((shape, i) => ({ operands: [u7(shape), u7(shape)], attrs: { ratios: [0.7, 0.45], offset: -3.2, ...bounds[i % 3] } })),
  { operands: [u7([3, 70]), u7([3, 70])], attrs: { ratios: [1.3, 0.1], offset: 0.5, ...u7Bounds } },
];

export const integerMultiply: readonly Case[] = shapes.map((shape, i) => ({
  operands: [u7(shape), u7([shape[0], shape[1], 1, 1])],
  attrs: { zeros: [60, 13 * i], ratio: 0.011, offset: 60.5, ...bounds[i % 3] },
}));

const mean = { zero: 40, ratio: 0.8, offset: 30.5 };
const windows = [
  { kernel: [2, 2], stride: [2, 2], padding: [0, 0, 0, 0] },
  { kernel: [3, 3], stride: [2, 2], padding: [1, 1, 1, 1] },
  { kernel: [3, 2], stride: [1, 3], padding: [2, 0, 1, 1] },
] as const;

export const integerAveragePool: readonly Case[] = windows.flatMap((window) =>
  [false, true].flatMap((countsPadding) =>
    [[2, 3, 8, 9] as Shape, [1, 24, 7, 7] as Shape].map((x) => ({ operands: [u7(x)], attrs: { ...window, countsPadding, ...mean } })),
  ),
);

export const integerGlobalAveragePool: readonly Case[] = [...shapes, [1, 130, 7, 7] as Shape].map((x) => ({
  operands: [u7(x)],
  attrs: mean,
}));

export const lookup: readonly Case[] = [
  ...shapes.map((shape) => ({ operands: [u8(shape), table], attrs: {} })),
  { operands: [u7([2, 40, 3, 3]), table], attrs: {} },
];

export const quantise: readonly Case[] = [...shapes, [3, 70] as Shape]
  .map((shape) => ({
    operands: [{ shape, draw: signed }],
    attrs: { scale: 0.029, zero: 61 },
  }))
  .map(({ operands, attrs }) => ({ operands: operands.map((operand) => ({ ...operand, isFrozen: true as const })), attrs }));

export const dequantise: readonly Case[] = [...shapes, [3, 70] as Shape].map((shape) => ({
  operands: [u7(shape)],
  attrs: { scale: 0.031, zero: 17 },
}));

const bytes = (shape: Shape, dtype: DType = "u7"): Operand => ({ ...u7(shape), dtype });

/** Cases on bytes of ops that also serve floats. */
export const moved = {
  concat: [
    { operands: [bytes([1, 1, 1, 1]), bytes([1, 1, 1, 1])], attrs: { axis: 1 } },
    { operands: [bytes([2, 3, 5, 7]), bytes([2, 5, 5, 7]), bytes([2, 41, 5, 7])], attrs: { axis: 1 } },
    { operands: [bytes([2, 30]), bytes([2, 4])], attrs: { axis: 1 } },
  ],
  slice: [
    { operands: [bytes([2, 5, 3, 3])], attrs: { start: 1, length: 3, axis: 1 } },
    { operands: [bytes([1, 116, 4, 4])], attrs: { start: 58, length: 58, axis: 1 } },
  ],
  padChannels: [
    { operands: [bytes([2, 3, 3, 5])], attrs: { before: 1, after: 2, fill: 61 } },
    { operands: [bytes([1, 58, 4, 4])], attrs: { before: 58, after: 0, fill: 5 } },
    { operands: [bytes([3, 16, 2, 2])], attrs: { before: 8, after: 8 } },
    { operands: [bytes([2, 5])], attrs: { before: 0, after: 30, fill: 127 } },
  ],
  channelShuffle: [
    { operands: [bytes([2, 6, 3, 5])], attrs: { groups: 2 } },
    { operands: [bytes([1, 116, 4, 4])], attrs: { groups: 2 } },
    { operands: [bytes([3, 15, 2, 3])], attrs: { groups: 5 } },
  ],
  reshape: [
    { operands: [bytes([2, 5, 1, 1])], attrs: { shape: [2, 5] } },
    { operands: [bytes([1, 3, 4, 5])], attrs: { shape: [1, 60] } },
    { operands: [bytes([3, 12])], attrs: { shape: [3, 3, 2, 2] } },
  ],
  maxPool: windows.flatMap((window) =>
    [[2, 3, 8, 9] as Shape, [1, 24, 7, 7] as Shape].map((x) => ({ operands: [bytes(x)], attrs: { ...window, isCeil: true } })),
  ),
} satisfies Record<string, readonly Case[]>;
