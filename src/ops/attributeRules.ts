/**
 * What the attributes of ops may be, for graphs that come from files; in a table beside their records for the reason that gradients.ts gives.
 * An op without rules is none that a file may hold.
 */
import { type AttributeRules, count, counts, flag, oneOf, optional, real, reals } from "../ir/attributes.ts";
import type { AnyOp } from "../ir/op.ts";
import { add } from "./add.ts";
import { affine } from "./affine.ts";
import { averagePool } from "./averagePool.ts";
import { batchNorm } from "./batchNorm.ts";
import { channelConv } from "./channelConv.ts";
import { channelShuffle } from "./channelShuffle.ts";
import { clip } from "./clip.ts";
import { concat } from "./concat.ts";
import { conv2d } from "./conv2d.ts";
import { conv2dInputGradient } from "./conv2dInputGradient.ts";
import { divide } from "./divide.ts";
import { dynamicShiftMax } from "./dynamicShiftMax.ts";
import { globalAveragePool } from "./globalAveragePool.ts";
import { hardSigmoid } from "./hardSigmoid.ts";
import { hardSwish } from "./hardSwish.ts";
import type { OpName } from "./index.ts";
import { linear } from "./linear.ts";
import { maximum } from "./maximum.ts";
import { maxPool } from "./maxPool.ts";
import { multiply } from "./multiply.ts";
import { permute } from "./permute.ts";
import { relu } from "./relu.ts";
import { relu6 } from "./relu6.ts";
import { resample } from "./resample.ts";
import { reshape } from "./reshape.ts";
import { sigmoid } from "./sigmoid.ts";
import { silu } from "./silu.ts";
import { similarities } from "./similarity.ts";
import { padChannels, slice } from "./slice.ts";
import { softmax } from "./softmax.ts";

const window = { kernel: counts, stride: counts, padding: counts };
const similarity = oneOf(Object.keys(similarities));

const rules = {
  add: {},
  affine: { scale: real, shift: real },
  averagePool: { ...window, countsPadding: flag },
  batchNorm: { eps: real },
  channelConv: { stride: count, padding: counts },
  channelShuffle: { groups: count },
  clip: { low: real, high: real },
  concat: { axis: count },
  conv2d: { stride: counts, padding: counts, groups: count, similarity },
  // The product alone: the gradients of the other similarities belong to training.
  conv2dInputGradient: { stride: counts, padding: counts, groups: count, similarity: oneOf(["product"]), inputShape: counts },
  divide: {},
  dynamicShiftMax: { groups: count, range: real, init: reals },
  globalAveragePool: {},
  hardSigmoid: {},
  hardSwish: {},
  linear: { similarity: optional(similarity) },
  maximum: {},
  maxPool: { ...window, isCeil: flag },
  multiply: {},
  padChannels: { before: count, after: count },
  permute: { axes: counts },
  relu: {},
  relu6: {},
  resample: {},
  reshape: { shape: counts },
  sigmoid: {},
  silu: {},
  slice: { start: count, length: count, axis: count },
  softmax: {},
} satisfies { readonly [N in OpName]?: AttributeRules };

/** The ops that a file may hold, by name. */
export const storedOps: { readonly [N in keyof typeof rules]: AnyOp } = {
  add,
  affine,
  averagePool,
  batchNorm,
  channelConv,
  channelShuffle,
  clip,
  concat,
  conv2d,
  conv2dInputGradient,
  divide,
  dynamicShiftMax,
  globalAveragePool,
  hardSigmoid,
  hardSwish,
  linear,
  maximum,
  maxPool,
  multiply,
  padChannels,
  permute,
  relu,
  relu6,
  resample,
  reshape,
  sigmoid,
  silu,
  slice,
  softmax,
};

/** The attribute that is a shape whose first extent counts the images of a run, where an op has one. */
const batchedShapes: { readonly [N in OpName]?: string } = { conv2dInputGradient: "inputShape", reshape: "shape" };

/** The rules of an op's attributes, if a file may hold it. */
export function attributeRulesOf({ name }: AnyOp): AttributeRules | undefined {
  return Object.hasOwn(rules, name) ? rules[name as keyof typeof rules] : undefined;
}

/** The attribute of an op that changes with the images of a run. */
export function batchedShapeOf({ name }: AnyOp): string | undefined {
  return batchedShapes[name as OpName];
}
