/** Files of one operator or a short chain, for comparison with another engine. */
import { number, numbers, type TestAttribute, type TestFile, type TestNode, whole } from "./files.testing.ts";

/** One operator on the input. */
export function on(
  type: string,
  attributes: Readonly<Record<string, TestAttribute>> = {},
  more: readonly string[] = [],
): readonly TestNode[] {
  return [{ type, inputs: ["x", ...more], attributes }];
}

const features = { x: [1, 12] } as const;
/** Filters of eight outputs, in two groups. */
export const weights = numbers("w", 8, 2, 3, 3);
const squares = { kernel_shape: [3, 3] } as const;

/** Files of one operator or a short chain, by what they show. */
export const files: Readonly<Record<string, TestFile>> = {
  "Conv: groups, strides, uneven pads, bias": {
    nodes: on("Conv", { group: 2, strides: [2, 1], pads: [1, 0, 2, 1], ...squares }, ["w", "b"]),
    constants: { w: weights, b: numbers("b", 8) },
  },
  "Conv: dilations": { nodes: on("Conv", { group: 2, dilations: [2, 1] }, ["w"]), constants: { w: weights } },
  "Conv: SAME_UPPER": { nodes: on("Conv", { group: 2, strides: [2, 2], auto_pad: "SAME_UPPER" }, ["w"]), constants: { w: weights } },
  "Conv: SAME_LOWER": { nodes: on("Conv", { group: 2, strides: [2, 2], auto_pad: "SAME_LOWER" }, ["w"]), constants: { w: weights } },
  ConvTranspose: {
    nodes: on("ConvTranspose", { strides: [2, 2], group: 2, pads: [1, 0, 1, 1], output_padding: [1, 0] }, ["w", "b"]),
    constants: { w: numbers("w", 4, 3, 3, 2), b: numbers("b", 6) },
  },
  "ConvTranspose: dilations": { nodes: on("ConvTranspose", { dilations: [2, 2] }, ["w"]), constants: { w: numbers("w", 4, 3, 2, 2) } },
  "Gemm: transB, alpha, beta": {
    nodes: on("Gemm", { transB: 1, alpha: { float: 0.5 }, beta: { float: 2 } }, ["w", "b"]),
    constants: { w: numbers("w", 7, 12), b: numbers("b", 7) },
    inputs: features,
  },
  "Gemm: bias of one row": {
    nodes: on("Gemm", {}, ["w", "b"]),
    constants: { w: numbers("w", 12, 7), b: numbers("b", 1, 7) },
    inputs: features,
  },
  "MatMul, then Add": {
    nodes: [
      { type: "MatMul", inputs: ["x", "w"], outputs: ["m"] },
      { type: "Add", inputs: ["m", "b"] },
    ],
    constants: { w: numbers("w", 12, 7), b: numbers("b", 7) },
    inputs: features,
  },
  "MatMul of more axes, then Add": {
    nodes: [
      { type: "MatMul", inputs: ["x", "w"], outputs: ["m"] },
      { type: "Add", inputs: ["b", "m"] },
    ],
    constants: { w: numbers("w", 5, 7), b: numbers("b", 7) },
  },
  BatchNormalization: {
    nodes: on("BatchNormalization", { epsilon: { float: 0.001 } }, ["s", "b", "m", "v"]),
    constants: { s: numbers("s", 4), b: numbers("b", 4), m: numbers("m", 4), v: { shape: [4], data: Float32Array.of(1, 2, 0.5, 3) } },
  },
  "MaxPool: ceil_mode": { nodes: on("MaxPool", { ...squares, strides: [2, 2], ceil_mode: 1 }) },
  "MaxPool: pads": { nodes: on("MaxPool", { ...squares, strides: [2, 1], pads: [1, 1, 0, 1] }) },
  "AveragePool: pads": { nodes: on("AveragePool", { ...squares, pads: [1, 1, 1, 1] }) },
  "AveragePool: pads that count": { nodes: on("AveragePool", { ...squares, pads: [1, 1, 1, 1], count_include_pad: 1 }) },
  "AveragePool: ceil_mode": { nodes: on("AveragePool", { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 }) },
  "AveragePool: SAME_UPPER": { nodes: on("AveragePool", { ...squares, strides: [2, 2], auto_pad: "SAME_UPPER" }) },
  "Pad, then AveragePool": {
    nodes: [
      { type: "Pad", inputs: ["x", "p"], outputs: ["m"] },
      { type: "AveragePool", inputs: ["m"], attributes: squares },
    ],
    constants: { p: whole(0, 0, 1, 2, 0, 0, 0, 1) },
  },
  "Pad, then Conv": {
    nodes: [
      { type: "Pad", inputs: ["x", "p"], outputs: ["m"] },
      { type: "Conv", inputs: ["m", "w"], attributes: { group: 2, pads: [1, 0, 0, 0] } },
    ],
    constants: { p: whole(0, 0, 1, 2, 0, 0, 0, 1), w: weights },
  },
  "Pad: a number, channels too": { nodes: on("Pad", {}, ["p", "v"]), constants: { p: whole(0, 1, 1, 2, 0, 2, 0, 1), v: number(1.5) } },
  "Pad: reflect": { nodes: on("Pad", { mode: "reflect" }, ["p"]), constants: { p: whole(0, 0, 1, 2, 0, 0, 3, 1) } },
  "Pad: edge": { nodes: on("Pad", { mode: "edge" }, ["p"]), constants: { p: whole(0, 0, 1, 2, 0, 0, 3, 0) } },
  "Pad before operator set 11": { nodes: on("Pad", { pads: [0, 0, 1, 2, 0, 0, 3, 0], value: { float: 0 } }), opset: 10 },
  GlobalAveragePool: { nodes: on("GlobalAveragePool") },
  GlobalMaxPool: { nodes: on("GlobalMaxPool") },
  "ReduceMean over images' planes": { nodes: on("ReduceMean", { axes: [2, 3], keepdims: 0 }) },
  "ReduceMean over channels": { nodes: on("ReduceMean", { axes: [1] }) },
  "ReduceMax over channels": { nodes: on("ReduceMax", { axes: [-3], keepdims: 1 }) },
  "ReduceMax over columns": { nodes: on("ReduceMax", { axes: [3], keepdims: 0 }) },
  "ReduceSum over channels and rows": { nodes: on("ReduceSum", { keepdims: 0 }, ["a"]), constants: { a: whole(1, 2) } },
  Relu: { nodes: on("Relu") },
  LeakyRelu: { nodes: on("LeakyRelu", { alpha: { float: 0.2 } }) },
  "PRelu: a slope a channel": { nodes: on("PRelu", {}, ["s"]), constants: { s: numbers("s", 4, 1, 1) } },
  Sigmoid: { nodes: on("Sigmoid") },
  Tanh: { nodes: on("Tanh") },
  Abs: { nodes: on("Abs") },
  Neg: { nodes: on("Neg") },
  "HardSigmoid: default": { nodes: on("HardSigmoid") },
  "HardSigmoid: alpha, beta": { nodes: on("HardSigmoid", { alpha: { float: 0.4 }, beta: { float: 0.3 } }) },
  "Clip: one bound": { nodes: on("Clip", {}, ["", "high"]), constants: { high: number(0.5) } },
  "Clip before operator set 11": { nodes: on("Clip", { min: { float: -0.5 }, max: { float: 1 } }), opset: 10 },
  "Softmax: last axis of images": { nodes: on("Softmax") },
  "Softmax over channels": { nodes: on("Softmax", { axis: 1 }) },
  "Softmax before operator set 13": { nodes: on("Softmax", { axis: 1 }), opset: 11 },
  "Add: constants by channel, Mul after": {
    nodes: [
      { type: "Add", inputs: ["x", "b"], outputs: ["m"] },
      { type: "Mul", inputs: ["s", "m"] },
    ],
    constants: { b: numbers("b", 1, 4, 1, 1), s: numbers("s", 4, 1, 1) },
  },
  "Add: a constant image": { nodes: on("Add", {}, ["b"]), constants: { b: numbers("b", 1, 4, 6, 5) } },
  "Mul: a constant image": {
    nodes: on("Mul", {}, ["b"]),
    constants: { b: numbers("b", 1, 3, 6, 5) },
    inputs: { x: [1, 3, 6, 5] },
  },
  "Mul: a constant row": { nodes: on("Mul", {}, ["b"]), constants: { b: numbers("b", 6, 5) } },
  "Sub: a constant less x": { nodes: [{ type: "Sub", inputs: ["b", "x"] }], constants: { b: number(0.75) } },
  "Sub: two values, the first broadcast": {
    nodes: [
      { type: "GlobalAveragePool", inputs: ["x"], outputs: ["m"] },
      { type: "Sub", inputs: ["m", "x"] },
    ],
  },
  "Add: two values, one broadcast": {
    nodes: [
      { type: "GlobalAveragePool", inputs: ["x"], outputs: ["m"] },
      { type: "Add", inputs: ["m", "x"] },
    ],
  },
  "Div: by a value": {
    nodes: [
      { type: "Sigmoid", inputs: ["x"], outputs: ["m"] },
      { type: "Div", inputs: ["x", "m"] },
    ],
  },
  "Div: a constant by a value": {
    nodes: [
      { type: "Sigmoid", inputs: ["x"], outputs: ["m"] },
      { type: "Div", inputs: ["c", "m"] },
    ],
    constants: { c: number(2) },
  },
  "Pow: the square": { nodes: on("Pow", {}, ["e"]), constants: { e: number(2) } },
  "Max and Min of two values": {
    nodes: [
      { type: "Neg", inputs: ["x"], outputs: ["n"] },
      { type: "Max", inputs: ["x", "n"], outputs: ["m"] },
      { type: "Min", inputs: ["x", "m"] },
    ],
  },
  "Min: of a value and a number": { nodes: on("Min", {}, ["c"]), constants: { c: number(0.3) } },
  "Flatten: axis 2": { nodes: on("Flatten", { axis: 2 }) },
  "Reshape: 0 and −1": { nodes: on("Reshape", {}, ["s"]), constants: { s: whole(0, 2, -1, 5) } },
  "Squeeze, Unsqueeze": {
    nodes: [
      { type: "ReduceMean", inputs: ["x"], outputs: ["m"], attributes: { axes: [2, 3] } },
      { type: "Squeeze", inputs: ["m", "a"], outputs: ["s"] },
      { type: "Unsqueeze", inputs: ["s", "b"] },
    ],
    constants: { a: whole(2, 3), b: whole(1, -1) },
  },
  "Squeeze, Unsqueeze before operator set 13": {
    nodes: [
      { type: "GlobalAveragePool", inputs: ["x"], outputs: ["m"] },
      { type: "Squeeze", inputs: ["m"], outputs: ["s"], attributes: { axes: [2, 3] } },
      { type: "Unsqueeze", inputs: ["s"], attributes: { axes: [2] } },
    ],
    opset: 11,
  },
  Transpose: { nodes: on("Transpose", { perm: [0, 2, 3, 1] }) },
  "Concat: channels": { nodes: [{ type: "Concat", inputs: ["x", "x"], attributes: { axis: 1 } }] },
  "Concat: columns": { nodes: [{ type: "Concat", inputs: ["x", "x"], attributes: { axis: -1 } }] },
  "Split: rows": {
    nodes: [{ type: "Split", inputs: ["x", "p"], outputs: ["y", "z"], attributes: { axis: 2 } }],
    constants: { p: whole(2, 4) },
    outputs: ["y", "z"],
  },
  "Split: channels": { nodes: [{ type: "Split", inputs: ["x"], outputs: ["y", "z"], attributes: { axis: 1 } }], outputs: ["y", "z"] },
  "Slice: rows and columns, with steps, backwards": {
    nodes: on("Slice", {}, ["s", "e", "a", "t"]),
    constants: { s: whole(1, -1), e: whole(100, -100), a: whole(2, 3), t: whole(2, -2) },
  },
  "Slice: channels with steps": {
    nodes: on("Slice", {}, ["s", "e", "a", "t"]),
    constants: { s: whole(0), e: whole(9), a: whole(1), t: whole(2) },
  },
  "Slice before operator set 10": { nodes: on("Slice", { starts: [1], ends: [-1], axes: [1] }), opset: 9 },
  "Gather: channels": { nodes: on("Gather", { axis: 1 }, ["i"]), constants: { i: whole(2, 3, 0, -1) } },
  "Gather: one channel": { nodes: on("Gather", { axis: 1 }, ["i"]), constants: { i: { shape: [], data: BigInt64Array.of(2n) } } },
  "Gather: columns": { nodes: on("Gather", { axis: 3 }, ["i"]), constants: { i: whole(4, 0, 0) } },
  "DepthToSpace: DCR": { nodes: on("DepthToSpace", { blocksize: 2 }) },
  "DepthToSpace: CRD": { nodes: on("DepthToSpace", { blocksize: 2, mode: "CRD" }) },
  SpaceToDepth: { nodes: on("SpaceToDepth", { blocksize: 2 }), inputs: { x: [1, 3, 4, 6] } },
  "shape arithmetic": {
    nodes: [
      { type: "Shape", inputs: ["x"], outputs: ["s"] },
      { type: "Gather", inputs: ["s", "i"], outputs: ["n"], attributes: { axis: 0 } },
      { type: "Unsqueeze", inputs: ["n", "i0"], outputs: ["u"] },
      { type: "Concat", inputs: ["u", "m"], outputs: ["t"], attributes: { axis: 0 } },
      { type: "Reshape", inputs: ["x", "t"] },
    ],
    constants: { i: { shape: [], data: BigInt64Array.of(0n) }, i0: whole(0), m: whole(-1) },
  },
  "Dropout and Identity": {
    nodes: [
      { type: "Dropout", inputs: ["x"], outputs: ["m"] },
      { type: "Identity", inputs: ["m"] },
    ],
  },
};

for (const mode of ["nearest", "linear"]) {
  for (const transform of ["half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel"]) {
    for (const [name, constants] of Object.entries({
      sizes: { s: whole(1, 4, 9, 3) },
      scales: { s: { shape: [4], data: Float32Array.of(1, 1, 2, 1.6) } },
    })) {
      const operands = name === "sizes" ? ["", "", "s"] : ["", "s"];
      const attributes = { mode, coordinate_transformation_mode: transform, nearest_mode: "floor" };
      (files as Record<string, TestFile>)[`Resize: ${mode}, ${transform}, ${name}`] = {
        nodes: on("Resize", attributes, operands),
        constants,
      };
    }
  }
}
