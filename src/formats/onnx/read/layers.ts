/** Convolutions, linear layers and normalisation. */
import { FormatError } from "../../../core/errors.ts";
import { formatShape, type Shape, size } from "../../../core/shape.ts";
import type { Value } from "../../../ir/graph.ts";
import { batchNorm } from "../../../ops/batchNorm.ts";
import { channelConv } from "../../../ops/channelConv.ts";
import { conv2d } from "../../../ops/conv2d.ts";
import { conv2dInputGradient } from "../../../ops/conv2dInputGradient.ts";
import { linear } from "../../../ops/linear.ts";
import { type Padding, samePadding } from "../../../ops/window.ts";
import type { HostTensor } from "../elements.ts";
import { asImages, channelAffine, reshaped } from "./constructors.ts";
import { constantAt, made, needRank, optionalAt, type Place, type Reader, valueAt } from "./importing.ts";
import { Unsupported } from "./node.ts";
import { paddingBefore } from "./padding.ts";
import { transposed } from "./tensors.ts";

/** A window's attributes for images of a size, with automatic padding worked out. */
export interface ReadWindow {
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: Padding;
  readonly dilation: readonly [number, number];
}

type Pair = readonly [number, number];

/** strides, dilations, pads and auto_pad of a window over images; `kernel` is known from the weight or from kernel_shape. */
export function windowOf({ attributes }: Place, size: Pair, kernel: Pair): ReadWindow {
  const stride = (attributes.list("strides", 2) ?? [1, 1]) as Pair;
  const dilation = (attributes.list("dilations", 2) ?? [1, 1]) as Pair;
  if (![...stride, ...dilation, ...kernel].every((extent) => Number.isInteger(extent) && extent > 0 && extent < 2 ** 20))
    throw new FormatError(`strides [${stride}], dilations [${dilation}], kernel [${kernel}] need to be whole numbers from 1 on`);
  const [top, left, bottom, right] = attributes.list("pads", 4) ?? [0, 0, 0, 0];
  const rule = attributes.text("auto_pad") ?? "NOTSET";
  const known = { stride, dilation, kernel };
  if (rule === "NOTSET") return { ...known, padding: [top, bottom, left, right] };
  if (rule === "VALID") return { ...known, padding: [0, 0, 0, 0] };
  if (rule !== "SAME_UPPER" && rule !== "SAME_LOWER") throw new FormatError(`auto_pad=${rule}`);
  const along = (axis: 0 | 1): readonly number[] => {
    const pads = samePadding(size[axis], (kernel[axis] - 1) * dilation[axis] + 1, stride[axis]);
    return rule === "SAME_UPPER" ? pads : pads.toReversed();
  };
  return { ...known, padding: [...along(0), ...along(1)] as unknown as Padding };
}

/** The side of each dimension of images. */
export function sizeOf(x: Value): Pair {
  return [x.shape[2], x.shape[3]];
}

/** A filter whose taps lie apart, with zeros between them: a dilated one. */
function dilated({ model }: Place, weight: HostTensor, [down, across]: Pair): HostTensor {
  if (down === 1 && across === 1) return weight;
  const [out, inner, kh, kw] = weight.shape;
  const [height, width] = [(kh - 1) * down + 1, (kw - 1) * across + 1];
  model.spend(out * inner * height * width);
  const data = new Float32Array(out * inner * height * width);
  for (let plane = 0; plane < out * inner; plane++) {
    for (let tap = 0; tap < kh * kw; tap++) {
      const [row, column] = [Math.floor(tap / kw) * down, (tap % kw) * across];
      data[(plane * height + row) * width + column] = weight.data[plane * kh * kw + tap];
    }
  }
  return { ...weight, shape: [out, inner, height, width], data };
}

/** A weight that has been derived from the file's, stored under that one's name. */
function stored(place: Place, weight: HostTensor, name: string): Value {
  return place.model.store(weight, `${place.node.name}.${name}`);
}

/** Checks that a stated kernel is the weight's. */
function needKernel({ attributes }: Place, weight: HostTensor): void {
  const stated = attributes.list("kernel_shape");
  const found = weight.shape.slice(2);
  if (stated && formatShape(stated) !== formatShape(found))
    throw new FormatError(`kernel_shape ${formatShape(stated)} for a weight ${formatShape(weight.shape)}`);
}

function biasOf(place: Place, index: number, outputs: number): readonly Value[] {
  const bias = optionalAt(place, index, "a bias");
  if (!bias) return [];
  if (size(bias.shape) !== outputs) throw new FormatError(`a bias ${formatShape(bias.shape)} for ${outputs} outputs`);
  return [stored(place, bias.shape.length === 1 ? bias : { ...bias, shape: [outputs] }, "bias")];
}

const convolution: Reader = (place) => {
  const { g, node, attributes } = place;
  const weight = constantAt(place, 1, "a weight");
  const given = valueAt(place, 0);
  if (weight.shape.length === 5) return alongChannels(place, given, weight);
  needRank(given, 4);
  if (weight.shape.length !== 4) throw new Unsupported(`a weight ${formatShape(weight.shape)}`);
  needKernel(place, weight);
  const groups = attributes.number("group") ?? 1;
  const { stride, padding, dilation } = windowOf(place, sizeOf(given), weight.shape.slice(2) as unknown as Pair);
  const { x, padding: whole } = paddingBefore(given, padding);
  const filter = stored(place, dilated(place, weight, dilation), "weight");
  const { similarity = "product" } = node;
  return conv2d(g, [x, filter, ...biasOf(place, 2, weight.shape[0])], { stride, padding: whole, groups, similarity });
};

/** A convolution of a volume whose first axis are the channels: ChannelNet's, where the kernel goes through images as they are. */
function alongChannels(place: Place, volume: Value, weight: HostTensor): Value {
  const { g, attributes } = place;
  const [n, one, c, h, w] = volume.shape;
  const strides = attributes.list("strides", 3) ?? [1, 1, 1];
  const pads = attributes.list("pads", 6) ?? [0, 0, 0, 0, 0, 0];
  attributes.only("group", 1);
  attributes.only("auto_pad", "NOTSET");
  const dilations = attributes.list("dilations", 3) ?? [1, 1, 1];
  const isPlain = [...strides.slice(1), ...dilations].every((step) => step === 1) && [1, 2, 4, 5].every((side) => pads[side] === 0);
  if (volume.shape.length !== 5 || one !== 1 || weight.shape[1] !== 1 || !isPlain || place.inputs[2] !== undefined)
    throw new Unsupported("a convolution of volumes; only one along the channels of images is read");
  needKernel(place, weight);
  const attrs = { stride: strides[0], padding: [pads[0], pads[3]] } as const;
  const y = channelConv(g, [reshaped(g, volume, [n, c, h, w]), stored(place, weight, "weight")], attrs);
  const [kernels] = weight.shape;
  return reshaped(g, y, [n, kernels, y.shape[1] / kernels, y.shape[2], y.shape[3]]);
}

/** A transposed convolution is the gradient of a convolution by its input: same weight, input and output exchanged. */
const transposedConvolution: Reader = (place) => {
  const { g, attributes } = place;
  const x = valueAt(place, 0);
  needRank(x, 4);
  const weight = constantAt(place, 1, "a weight");
  if (weight.shape.length !== 4) throw new Unsupported(`a weight ${formatShape(weight.shape)}`);
  needKernel(place, weight);
  const rule = attributes.text("auto_pad") ?? "NOTSET";
  if (rule !== "NOTSET" && rule !== "VALID") throw new Unsupported(`auto_pad=${rule}`);
  if (attributes.list("output_shape")) throw new Unsupported("attribute output_shape");
  const groups = attributes.number("group") ?? 1;
  const { stride, padding, dilation } = windowOf(place, sizeOf(x), weight.shape.slice(2) as unknown as Pair);
  const extra = attributes.list("output_padding", 2) ?? [0, 0];
  const filter = dilated(place, weight, dilation);
  const side = (axis: 0 | 1): number =>
    (x.shape[2 + axis] - 1) * stride[axis] + filter.shape[2 + axis] + extra[axis] - padding[2 * axis] - padding[2 * axis + 1];
  const outputs = weight.shape[1] * groups;
  const inputShape = [x.shape[0], outputs, side(0), side(1)];
  const y = conv2dInputGradient(g, [x, stored(place, filter, "weight")], { stride, padding, groups, similarity: "product", inputShape });
  const bias = optionalAt(place, 2, "a bias");
  return bias ? channelAffine(place, y, new Float64Array(outputs).fill(1), bias.data) : y;
};

const normalisation: Reader = (place) => {
  const { g, attributes, node } = place;
  const x = valueAt(place, 0);
  const eps = attributes.number("epsilon") ?? 1e-5;
  attributes.ignore("momentum");
  attributes.only("training_mode", 0);
  attributes.only("spatial", 1);
  if (node.outputs.filter((name) => name !== "").length > 1) throw new Unsupported("statistics as outputs");
  const vectors = ["a scale", "a shift", "a mean", "a variance"].map((what, i) => stored(place, constantAt(place, i + 1, what), what));
  const apply = (value: Value): Value => batchNorm(g, [value, ...vectors], { eps });
  return x.shape.length === 2 ? apply(x) : asImages(g, x, apply);
};

/** A weight with every element multiplied. */
function times({ shape, type, data, name }: HostTensor, factor: number): HostTensor {
  return factor === 1
    ? { shape, type, data, ...(name === undefined ? {} : { name }) }
    : { shape, type, data: Float64Array.from(data, (x) => x * factor), ...(name === undefined ? {} : { name }) };
}

const general: Reader = (place) => {
  const { g, attributes, node, model } = place;
  const [alpha, beta] = [attributes.number("alpha") ?? 1, attributes.number("beta") ?? 1];
  const given = valueAt(place, 0);
  attributes.only("transA", 0);
  const weight = constantAt(place, 1, "a weight");
  if (weight.shape.length !== 2 || given.shape.length !== 2)
    throw new Unsupported(`${formatShape(given.shape)} times ${formatShape(weight.shape)}`);
  const isTurned = attributes.number("transB") === 1;
  if (!isTurned) model.spend(weight.data.length);
  const rows = isTurned ? weight : transposed(weight, [1, 0]);
  const filter = alpha === 1 ? rows : times(rows, alpha);
  const bias = optionalAt(place, 2, "a bias");
  const outputs = filter.shape[0];
  const { similarity } = node;
  const attrs = similarity === undefined ? {} : { similarity };
  if (!bias || beta === 0) return linear(g, [given, stored(place, filter, "weight")], attrs);
  if (bias.data.length !== outputs && bias.data.length !== 1)
    throw new Unsupported(`a bias ${formatShape(bias.shape)} for ${outputs} outputs`);
  const isPlain = beta === 1 && bias.shape.length === 1 && bias.data.length === outputs;
  const spread = made(
    [outputs],
    Float32Array.from({ length: outputs }, (_, o) => bias.data[bias.data.length === 1 ? 0 : o] * beta),
  );
  return linear(g, [given, stored(place, filter, "weight"), stored(place, isPlain ? bias : spread, "bias")], attrs);
};

const product: Reader = (place) => {
  const { g, model } = place;
  const x = valueAt(place, 0);
  const weight = constantAt(place, 1, "a weight");
  if (weight.shape.length !== 2 || x.shape.length < 2) throw new Unsupported(`${formatShape(x.shape)} times ${formatShape(weight.shape)}`);
  model.spend(weight.data.length);
  const turned = transposed(weight, [1, 0]);
  const rows = reshaped(g, x, [size(x.shape.slice(0, -1)), x.shape[x.shape.length - 1]]);
  const y = linear(g, [rows, stored(place, turned, "weight")], {});
  const shape: Shape = [...x.shape.slice(0, -1), weight.shape[1]];
  return reshaped(g, y, shape);
};

/** Readers of layers with weights, by type. */
export const layerReaders: Readonly<Record<string, Reader>> = {
  BatchNormalization: normalisation,
  Conv: convolution,
  ConvTranspose: transposedConvolution,
  Gemm: general,
  MatMul: product,
};
