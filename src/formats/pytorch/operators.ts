/** How each op is said in PyTorch. An op without a line here is refused by name. */
import type { Value } from "../../ir/graph.ts";
import type { OpName } from "../../ops/index.ts";
import { gradientName, type Similar, type Similarity } from "../../ops/similarity.ts";
import type { Padding } from "../../ops/window.ts";
import { type Argument, type Call, channelsOf, named, type Piece, pairText, slot, tupleText } from "./call.ts";

/** A node's operands that are computed (data) and those that are stored with the layer (weights, statistics). */
export interface Operands {
  readonly data: readonly Value[];
  readonly stored: readonly Value[];
  /** Values that each run is given beside the image: the noise of dropout. */
  readonly given: readonly Value[];
}

/** One op in PyTorch: a layer, an expression of its operands, or either. */
export interface Saying {
  /** What it is called in the name of a class. */
  readonly word: string;
  /** What a class calls the layer, where the network has no name for it. */
  readonly attribute?: string;
  /** True for an expression that ends a block and gives it its name. */
  readonly isJoint?: true;
  // biome-ignore lint/suspicious/noExplicitAny: a table of ops cannot name each one's attributes; the op's own record has checked them
  module?(operands: Operands, attrs: any): Call | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  expression?(operands: Operands, attrs: any): readonly Piece[];
}

function isSymmetrical([top, bottom, left, right]: Padding): boolean {
  return top === bottom && left === right;
}

/** A number, (rows, columns), or (left, right, top, bottom). */
function paddingText([top, bottom, left, right]: Padding): string {
  return isSymmetrical([top, bottom, left, right]) ? pairText([top, left]) : tupleText([left, right, top, bottom]);
}

/** A function of one operand, and the layer of the same meaning. */
function unary(word: string, layer: string, call: string): Saying {
  return { word, module: () => ({ callee: layer, args: [] }), expression: () => [`${call}(`, 0, ")"] };
}

/** The name by which PyTorch knows a stored tensor: the last part of ours. */
function leafName({ name = "" }: Value): string {
  return name.slice(name.lastIndexOf(".") + 1);
}

interface SimilarLayer {
  readonly convolution: string;
  readonly linear?: string;
  /** Arguments beside the sizes. */
  readonly more: (attrs: Similar) => readonly Argument[];
}

const similarLayers: Readonly<Record<Similarity, SimilarLayer>> = {
  product: { convolution: "nn.Conv2d", linear: "nn.Linear", more: () => [] },
  l1: { convolution: "AdderConv2d", more: () => [] },
  mitchell: {
    convolution: "MitchellConv2d",
    linear: "MitchellLinear",
    more: (attrs) => [named("gradient", "other", JSON.stringify(gradientName(attrs)), '"approx"')],
  },
};

function biasArgument(bias: Value | undefined): Argument {
  return named("bias", "other", bias ? "True" : "False", "True");
}

interface ConvolutionAttributes extends Similar {
  readonly stride: readonly [number, number];
  readonly padding: Padding;
  readonly groups: number;
}

/** PyTorch's own layer takes symmetrical padding and gives its weights their names; ours take any of both. */
function convolutionLayer(
  { similarity, padding }: ConvolutionAttributes,
  isRenamed: boolean,
): { readonly callee: string; readonly takesPads: boolean } {
  const { convolution } = similarLayers[similarity];
  if (similarity !== "product") return { callee: convolution, takesPads: true };
  if (isRenamed) return { callee: "NamedConv2d", takesPads: true };
  return isSymmetrical(padding) ? { callee: convolution, takesPads: true } : { callee: "PaddedConv2d", takesPads: false };
}

function convolutionCall({ stored: [weight, bias] }: Operands, attrs: ConvolutionAttributes): Call {
  const [out, inner, ...kernel] = weight.shape;
  const { stride, padding, groups } = attrs;
  const isRenamed = leafName(weight) !== "weight";
  const { callee, takesPads } = convolutionLayer(attrs, isRenamed);
  const names = `(${JSON.stringify(leafName(weight))}, ${JSON.stringify(bias ? leafName(bias) : "bias")})`;
  return {
    callee,
    args: [
      channelsOf("inputs", inner * groups),
      channelsOf("outputs", out),
      { slot: slot("kernel", "kernel", pairText([kernel[0], kernel[1]])) },
      named("stride", "stride", pairText(stride), "1"),
      named("padding", "padding", paddingText(padding), takesPads ? "0" : undefined),
      named("groups", "channels", String(groups), "1"),
      biasArgument(bias),
      ...(isRenamed ? [named("names", "other", names)] : []),
      ...similarLayers[attrs.similarity].more(attrs),
    ],
  };
}

/** The translations, by op name. */
export const operators = {
  add: { word: "Residual", isJoint: true, expression: () => [0, " + ", 1] },
  averagePool: {
    word: "AvgPool",
    attribute: "pool",
    module: (_, { kernel, stride, padding, countsPadding }) => ({
      callee: isSymmetrical(padding) ? "nn.AvgPool2d" : "PaddedAvgPool2d",
      args: [
        { slot: slot("kernel", "kernel", pairText(kernel)) },
        named("stride", "stride", pairText(stride)),
        named("padding", "padding", paddingText(padding), isSymmetrical(padding) ? "0" : undefined),
        named("count_include_pad", "other", countsPadding ? "True" : "False", "True"),
      ],
    }),
  },
  batchNormTrain: {
    word: "Norm",
    module: ({ data: [x] }, { eps, momentum }) => ({
      callee: `nn.BatchNorm${x.shape.length === 4 ? "2" : "1"}d`,
      args: [
        channelsOf("channels", x.shape[1]),
        named("eps", "other", String(eps), "0.00001"),
        named("momentum", "other", String(momentum), "0.1"),
      ],
    }),
  },
  channelConv: {
    word: "ChannelConv",
    module: ({ stored: [weight] }, { stride, padding }) => ({
      callee: "ChannelConv",
      args: [
        channelsOf("kernels", weight.shape[0]),
        { slot: slot("length", "other", weight.shape[2]) },
        named("window", "other", tupleText(weight.shape.slice(3)), "(1, 1)"),
        named("stride", "stride", String(stride), "1"),
        named("padding", "padding", tupleText(padding), "(0, 0)"),
      ],
    }),
  },
  channelShuffle: {
    word: "Shuffle",
    module: (_, { groups }) => ({ callee: "ChannelShuffle", args: [channelsOf("groups", groups)] }),
    expression: (_, { groups }) => ["channel_shuffle(", 0, ", ", slot("groups", "channels", groups), ")"],
  },
  concat: {
    word: "Concat",
    isJoint: true,
    expression: ({ data }) => ["torch.cat((", ...data.flatMap((_, i) => (i === 0 ? [i] : [", ", i])), "), 1)"],
  },
  conv2d: { word: "Conv", module: convolutionCall },
  dropout: {
    word: "Dropout",
    attribute: "dropout",
    module({ data: [x], given: [noise] }, { rate }) {
      const isOfBranches = x.shape.length > 2 && noise.shape.slice(1).every((extent) => extent === 1);
      return { callee: isOfBranches ? "StochasticDepth" : "nn.Dropout", args: [{ slot: slot("drop", "other", rate) }] };
    },
  },
  dynamicShiftMax: {
    word: "ShiftMax",
    isJoint: true,
    expression: (_, { groups, range, init }) => [
      ...["shift_max(", 0, ", ", 1, ", ", slot("groups", "channels", groups), ", ", slot("reach", "other", range)],
      ...[", ", slot("start", "other", tupleText(init)), ")"],
    ],
  },
  globalAveragePool: {
    word: "GlobalPool",
    module: () => ({ callee: "nn.AdaptiveAvgPool2d", args: [{ slot: slot("side", "other", 1) }] }),
    expression: () => [0, ".mean((2, 3), keepdim=True)"],
  },
  hardSigmoid: unary("HardSigmoid", "nn.Hardsigmoid", "F.hardsigmoid"),
  hardSwish: unary("HardSwish", "nn.Hardswish", "F.hardswish"),
  linear: {
    word: "Linear",
    module({ stored: [weight, bias] }, { similarity = "product", gradient }) {
      const { linear, more } = similarLayers[similarity as Similarity];
      const [out, inner] = weight.shape;
      const args = [channelsOf("inputs", inner), channelsOf("outputs", out), biasArgument(bias), ...more({ similarity, gradient })];
      return linear === undefined ? undefined : { callee: linear, args };
    },
  },
  maximum: { word: "Maximum", isJoint: true, expression: () => ["greater(", 0, ", ", 1, ")"] },
  maxPool: {
    word: "MaxPool",
    attribute: "pool",
    module: (_, { kernel, stride, padding, isCeil }) => ({
      callee: isSymmetrical(padding) ? "nn.MaxPool2d" : "PaddedMaxPool2d",
      args: [
        { slot: slot("kernel", "kernel", pairText(kernel)) },
        named("stride", "stride", pairText(stride)),
        named("padding", "padding", paddingText(padding), isSymmetrical(padding) ? "0" : undefined),
        named("ceil_mode", "other", isCeil ? "True" : "False", "False"),
      ],
    }),
  },
  multiply: { word: "Gate", isJoint: true, expression: () => [0, " * ", 1] },
  padChannels: {
    word: "Pad",
    expression: ({ data: [x] }, { before, after }) => {
      const inner = "0, 0, ".repeat(x.shape.length - 2);
      return ["F.pad(", 0, `, (${inner}`, slot("before", "channels", before), ", ", slot("after", "channels", after), "))"];
    },
  },
  relu: unary("ReLU", "nn.ReLU", "F.relu"),
  relu6: unary("ReLU6", "nn.ReLU6", "F.relu6"),
  reshape: {
    word: "Flatten",
    module: (_, { shape }) => (shape.length === 2 ? { callee: "nn.Flatten", args: [] } : undefined),
    expression: (_, { shape: [, ...shape] }) =>
      shape.length === 1
        ? [0, ".flatten(1)"]
        : [0, ".reshape(-1, ", ...shape.flatMap((extent: number) => [slot("extent", "channels", extent), ", "]).slice(0, -1), ")"],
  },
  sigmoid: unary("Sigmoid", "nn.Sigmoid", "torch.sigmoid"),
  silu: unary("SiLU", "nn.SiLU", "F.silu"),
  slice: {
    word: "Slice",
    expression: (_, { start, length }) => [
      ...[0, "[:, ", ...(start === 0 ? [] : [slot("start", "channels", start)]), ":", slot("end", "channels", start + length), "]"],
    ],
  },
  softmax: { word: "Softmax", expression: () => ["F.softmax(", 0, ", 1)"] },
} satisfies Partial<Record<OpName, Saying>>;
