/** How each op is said in ONNX, opset 17. An op without a line here is refused by name. */
import type { Shape } from "../../core/shape.ts";
import { type DynamicShiftMax, shiftedChannel } from "../../ops/dynamicShiftMax.ts";
import type { OpName } from "../../ops/index.ts";
import type { Attribute } from "./messages.ts";
import { composedConvolution, composedLinear, compositionOf } from "./similarities.ts";
import { integers, type OnnxWriter, type Operands, scalar } from "./writer.ts";

// biome-ignore lint/suspicious/noExplicitAny: a table of ops cannot name each one's attributes; the op's own record has checked them
type Translate = (writer: OnnxWriter, operands: Operands, attrs: any) => string;

/** An operator of the same meaning and operands. */
function same(type: string, attributes: Readonly<Record<string, Attribute>> = {}): Translate {
  return (writer, { names }) => writer.emit(type, names, attributes);
}

/** ONNX lists what goes before on each axis, then what goes after. */
function pads([top, bottom, left, right]: readonly number[]): readonly number[] {
  return [top, left, bottom, right];
}

function shuffle(writer: OnnxWriter, x: string, [n, c, h, w]: Shape, groups: number): string {
  const split = writer.emit("Reshape", [x, integers(writer, [n, groups, c / groups, h, w])]);
  const swapped = writer.emit("Transpose", [split], { perm: [0, 2, 1, 3, 4] });
  return writer.emit("Reshape", [swapped, integers(writer, [n, c, h, w])]);
}

/** Operands whose first one goes through shuffles first. */
function shuffledFirst(writer: OnnxWriter, operands: Operands, shuffles: readonly number[]): Operands {
  const [x, ...others] = operands.names;
  return { ...operands, names: [shuffles.reduce((y, groups) => shuffle(writer, y, operands.shapes[0], groups), x), ...others] };
}

const sixth = { alpha: { float: 1 / 6 }, beta: { float: 0.5 } } as const;

/** Elements between neighbours along an axis, at the places that a list names: the first, and a share of the way to the second. */
function mixed(writer: OnnxWriter, x: string, places: string, axis: 2 | 3, extent: number, count: number): string {
  const inside = writer.emit("Clip", [places, scalar(writer, 0), scalar(writer, extent - 1)]);
  const floor = writer.emit("Floor", [inside]);
  const next = writer.emit("Min", [writer.emit("Add", [floor, scalar(writer, 1)]), scalar(writer, extent - 1)]);
  const [near, far] = [floor, next].map((list) => writer.emit("Gather", [x, writer.emit("Cast", [list], { to: 7 })], { axis }));
  const share = writer.emit("Sub", [inside, floor]);
  const spread = writer.emit("Reshape", [share, integers(writer, axis === 2 ? [1, 1, count, 1] : [1, 1, 1, count])]);
  return writer.emit("Add", [near, writer.emit("Mul", [writer.emit("Sub", [far, near]), spread])]);
}

/** The translations, by op name. */
export const operators = {
  add: same("Add"),
  affine(writer, { names: [x] }, { scale, shift }) {
    const scaled = scale === 1 ? x : writer.emit("Mul", [x, scalar(writer, scale)]);
    return shift === 0 ? scaled : writer.emit("Add", [scaled, scalar(writer, shift)]);
  },
  averagePool: (writer, { names }, { kernel, stride, padding, countsPadding }) =>
    writer.emit("AveragePool", names, {
      kernel_shape: kernel,
      strides: stride,
      pads: pads(padding),
      count_include_pad: countsPadding ? 1 : 0,
    }),
  batchNorm: (writer, { names }, { eps }) => writer.emit("BatchNormalization", names, { epsilon: { float: eps } }),
  // The channels become the first axis of a volume with one channel.
  channelConv(writer, { names: [x, weight], shapes }, { stride, padding: [before, after] }) {
    const [[n, c, h, w], [kernels, , length, kh, kw]] = shapes;
    const volume = writer.emit("Reshape", [x, integers(writer, [n, 1, c, h, w])]);
    const pads = [before, 0, 0, after, 0, 0];
    const y = writer.emit("Conv", [volume, weight], { kernel_shape: [length, kh, kw], strides: [stride, 1, 1], pads });
    const windows = Math.floor((c + before + after - length) / stride) + 1;
    return writer.emit("Reshape", [y, integers(writer, [n, kernels * windows, h - kh + 1, w - kw + 1])]);
  },
  channelShuffle: (writer, { names, shapes }, { groups }) => shuffle(writer, names[0], shapes[0], groups),
  clip: (writer, { names }, { low, high }) => writer.emit("Clip", [names[0], scalar(writer, low), scalar(writer, high)]),
  concat: (writer, { names }, { axis }) => writer.emit("Concat", names, { axis }),
  conv2d(writer, given, { shuffles = [], ...attrs }) {
    const operands = shuffledFirst(writer, given, shuffles);
    const composition = compositionOf(attrs.similarity);
    if (composition) return composedConvolution(writer, composition, operands, attrs);
    const { stride, padding, groups } = attrs;
    const [, , ...kernel] = operands.shapes[1];
    return writer.emit("Conv", operands.names, { kernel_shape: kernel, strides: stride, pads: pads(padding), group: groups });
  },
  conv2dInputGradient(writer, { names, shapes: [x, weight] }, { stride, padding, groups, inputShape }) {
    const whole = (axis: number): number => (x[2 + axis] - 1) * stride[axis] + weight[2 + axis] - padding[2 * axis] - padding[2 * axis + 1];
    return writer.emit("ConvTranspose", names, {
      kernel_shape: weight.slice(2),
      strides: stride,
      pads: pads(padding),
      group: groups,
      output_padding: [0, 1].map((axis) => inputShape[2 + axis] - whole(axis)),
    });
  },
  divide: same("Div"),
  dynamicShiftMax(writer, { names: [x, gates], shapes }, { groups, range, init }: DynamicShiftMax) {
    const [n, c] = shapes[0];
    const places = Array.from({ length: c }, (_, channel) => shiftedChannel(channel, c, groups));
    const met = writer.emit("Gather", [x, integers(writer, places)], { axis: 1 });
    const starts = Float32Array.from({ length: init.length * c }, (_, i) => init[Math.floor(i / c)] - range);
    const scaled = writer.emit("Mul", [gates, scalar(writer, 2 * range)]);
    const coefficients = writer.emit("Add", [scaled, writer.constant([1, init.length * c], starts)]);
    const images = writer.emit("Reshape", [coefficients, integers(writer, [n, init.length * c, 1, 1])]);
    const products = init.map((_, part) => {
      const ends = [part * c, (part + 1) * c].map((end) => integers(writer, [end]));
      return writer.emit("Mul", [part % 2 === 0 ? x : met, writer.emit("Slice", [images, ...ends, integers(writer, [1])])]);
    });
    const sums = products.filter((_, part) => part % 2 === 0).map((product, k) => writer.emit("Add", [product, products[2 * k + 1]]));
    return sums.length === 1 ? sums[0] : writer.emit("Max", sums);
  },
  globalAveragePool: same("GlobalAveragePool"),
  hardSigmoid: same("HardSigmoid", sixth),
  hardSwish: same("HardSwish"),
  linear(writer, operands, { similarity = "product" }) {
    const composition = compositionOf(similarity);
    return composition ? composedLinear(writer, composition, operands) : writer.emit("Gemm", operands.names, { transB: 1 });
  },
  maximum: same("Max"),
  maxPool: (writer, { names }, { kernel, stride, padding, isCeil }) =>
    writer.emit("MaxPool", names, { kernel_shape: kernel, strides: stride, pads: pads(padding), ceil_mode: isCeil ? 1 : 0 }),
  multiply: same("Mul"),
  normScale(writer, { names: [gamma, variance] }, { eps }) {
    const shifted = writer.emit("Add", [variance, scalar(writer, eps)]);
    return writer.emit("Div", [gamma, writer.emit("Sqrt", [shifted])]);
  },
  permute: (writer, { names }, { axes }) => writer.emit("Transpose", names, { perm: axes }),
  relu: same("Relu"),
  relu6: (writer, { names }) => writer.emit("Clip", [names[0], scalar(writer, 0), scalar(writer, 6)]),
  resample(writer, { names: [x, rows, columns], shapes: [shape, ...counts] }) {
    const across = mixed(writer, x, columns, 3, shape[3], counts[1][0]);
    return mixed(writer, across, rows, 2, shape[2], counts[0][0]);
  },
  reshape: (writer, { names }, { shape }) => writer.emit("Reshape", [names[0], integers(writer, shape)]),
  sigmoid: same("Sigmoid"),
  silu: (writer, { names }) => writer.emit("Mul", [names[0], writer.emit("Sigmoid", names)]),
  padChannels(writer, { names, shapes }, { before, after }) {
    const each = (channels: number): number[] => shapes[0].map((_, axis) => (axis === 1 ? channels : 0));
    return writer.emit("Pad", [names[0], integers(writer, [...each(before), ...each(after)])]);
  },
  slice(writer, { names }, { start, length, axis }) {
    return writer.emit("Slice", [names[0], integers(writer, [start]), integers(writer, [start + length]), integers(writer, [axis])]);
  },
  softmax: same("Softmax", { axis: 1 }),
} satisfies Partial<Record<OpName, Translate>>;
