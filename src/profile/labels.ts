import type { Node, Value } from "../ir/graph.ts";
import type { OpName } from "../ops/index.ts";

/** What a node is to a reader of a diagram; figures colour by it. */
export type Role =
  | "dense"
  | "pointwise"
  | "depthwise"
  | "grouped"
  | "channelwise"
  | "linear"
  | "pool"
  | "shuffle"
  | "join"
  | "norm"
  | "activation"
  | "view";

/** A node in words: short for a row of a diagram, whole for a box. */
export interface Label {
  readonly role: Role;
  readonly short: string;
  readonly long: string;
}

interface ConvolutionAttrs {
  readonly stride: readonly [number, number];
  readonly groups: number;
  readonly similarity: string;
}

interface WindowAttrs {
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
}

const square = ([height, width]: readonly number[]): string => `${height}×${width}`;

/** "/2" behind a layer that leaves every second pixel. */
function strideMark([vertical, horizontal]: readonly number[]): string {
  if (vertical === 1 && horizontal === 1) return "";
  return vertical === horizontal ? `/${vertical}` : `/${vertical},${horizontal}`;
}

const similarityWords: Readonly<Record<string, string>> = { l1: "adder ", mitchell: "Mitchell " };

function convolution({ inputs, outputs, attrs }: Node): Label {
  const { stride, groups, similarity } = attrs as ConvolutionAttrs;
  const [out, , ...kernel] = inputs[1].shape;
  const inChannels = inputs[0].shape[1];
  const isDepthwise = groups > 1 && groups === inChannels && out % groups === 0;
  const isPoint = kernel.every((extent) => extent === 1);
  const kind = similarityWords[similarity] ?? "";
  const role: Role = isDepthwise ? "depthwise" : groups > 1 ? "grouped" : isPoint ? "pointwise" : "dense";
  const mark = isDepthwise ? "dw " : "";
  const division = role === "grouped" ? ` g${groups}` : "";
  const name = isDepthwise ? "depthwise" : role === "grouped" ? `in ${groups} groups` : "convolution";
  const step = strideMark(stride);
  return {
    role,
    short: `${kind}${mark}${square(kernel)}${step}${division}`,
    long: `${kind}${square(kernel)} ${name}${step === "" ? "" : `, stride ${step.slice(1)}`}, ${inChannels} → ${outputs[0].shape[1]}`,
  };
}

function ordinal(n: number): string {
  return n === 2 ? "2nd" : n === 3 ? "3rd" : `${n}th`;
}

function pooling(word: string): (node: Node) => Label {
  return ({ attrs }) => {
    const { kernel, stride } = attrs as WindowAttrs;
    const isSampling = kernel.every((extent) => extent === 1);
    const short = isSampling ? `every ${ordinal(stride[0])} pixel` : `${word} ${square(kernel)}${strideMark(stride)}`;
    return { role: "pool", short, long: isSampling ? short : `${word} of ${square(kernel)}, stride ${stride[0]}` };
  };
}

const plain =
  (role: Role, short: string, long = short): (() => Label) =>
  (): Label => ({ role, short, long });

function part({ inputs, attrs }: Node): Label {
  const { start, length } = attrs as { start: number; length: number };
  const total = inputs[0].shape[1];
  const isHalf = 2 * length === total;
  const short = isHalf ? "half" : `${length} of ${total}`;
  return {
    role: "shuffle",
    short,
    long: isHalf ? (start === 0 ? "first half" : "second half") : `channels ${start} – ${start + length - 1}`,
  };
}

/** How ops are called in diagrams; an op that is missing is called by its name. */
const labels: Partial<Record<OpName, (node: Node) => Label>> = {
  add: plain("join", "⊕", "add"),
  multiply: plain("join", "⊗", "multiply"),
  maximum: plain("join", "max", "the greater"),
  dynamicShiftMax: ({ attrs }) => {
    const { groups, init } = attrs as { groups: number; init: readonly number[] };
    const sums = init.length / 2;
    const name = sums === 1 ? "shift" : "shift-max";
    return {
      role: "join",
      short: `${name} ${groups}`,
      long: `${name}: ${sums} sum${sums === 1 ? "" : "s"}, channels of the next of ${groups} groups`,
    };
  },
  concat: plain("join", "concat", "concatenate"),
  averagePool: pooling("mean"),
  maxPool: pooling("max"),
  globalAveragePool: plain("pool", "mean", "mean of each channel"),
  batchNorm: plain("norm", "norm", "normalise"),
  batchNormTrain: plain("norm", "norm", "normalise"),
  relu: plain("activation", "ReLU"),
  relu6: plain("activation", "ReLU6"),
  hardSwish: plain("activation", "h-swish"),
  hardSigmoid: plain("activation", "h-sigmoid"),
  sigmoid: plain("activation", "sigmoid"),
  silu: plain("activation", "SiLU"),
  dropout: plain("activation", "dropout"),
  affine: plain("activation", "scale and shift"),
  clip: plain("activation", "clip"),
  divide: plain("join", "÷", "divide"),
  permute: plain("view", "permute"),
  resample: plain("pool", "resample"),
  reshape: plain("view", "reshape"),
  slice: part,
  conv2d: convolution,
  channelShuffle: ({ attrs }) => {
    const { groups } = attrs as { groups: number };
    return { role: "shuffle", short: `shuffle ${groups}`, long: `shuffle ${groups} groups` };
  },
  padChannels: ({ attrs }) => {
    const { before, after } = attrs as { before: number; after: number };
    return { role: "shuffle", short: `+${before + after} zeros`, long: `${before + after} channels of zeros` };
  },
  channelConv: ({ inputs }) => {
    const [kernels, , length, ...window] = inputs[1].shape;
    const size = window.every((extent) => extent === 1) ? `${length}` : `${length}×${square(window)}`;
    return {
      role: "channelwise",
      short: `along channels ${size}`,
      long: `${kernels} kernel${kernels === 1 ? "" : "s"} of ${size} along the channels`,
    };
  },
  linear: ({ inputs }) => {
    const [out, features] = inputs[1].shape;
    return { role: "linear", short: `fc ${out}`, long: `fully connected, ${features} → ${out}` };
  },
};

/** A node in words. */
export function labelOf(node: Node): Label {
  const { name } = node.op;
  const found = Object.hasOwn(labels, name) ? labels[name as OpName] : undefined;
  if (found) return found(node);
  const words = name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return { role: signals(node).length > 1 ? "join" : "activation", short: words, long: words };
}

/** The operands that come from the image: no weights, no noise. */
export function signals(node: Node): readonly Value[] {
  return node.inputs.filter(({ kind, name = "" }) => kind === "computed" || (kind === "input" && !name.startsWith("noise.")));
}

/** Whether a node has trained weights that mix pixels or channels: what a reader counts as a layer. */
export function isLayer(node: Node): boolean {
  return node.inputs.some(({ kind, shape }) => kind === "parameter" && shape.length > 1);
}
