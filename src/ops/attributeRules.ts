/**
 * What the attributes of ops may be, for graphs that come from files; in a table beside their records for the reason that gradients.ts gives.
 * An op without rules is none that a file may hold.
 */
import { type AttributeRules, count, counts, flag, oneOf, optional, real, reals } from "../ir/attributes.ts";
import type { AnyOp } from "../ir/op.ts";
import type { OpName } from "./index.ts";
import { similarities } from "./similarity.ts";

const window = { kernel: counts, stride: counts, padding: counts };
const similarity = oneOf(Object.keys(similarities));

const rules: { readonly [N in OpName]?: AttributeRules } = {
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
};

/** The attribute that is a shape whose first extent counts the images of a run, where an op has one. */
const batchedShapes: { readonly [N in OpName]?: string } = { conv2dInputGradient: "inputShape", reshape: "shape" };

/** The rules of an op's attributes, if a file may hold it. */
export function attributeRulesOf({ name }: AnyOp): AttributeRules | undefined {
  return rules[name as OpName];
}

/** The attribute of an op that changes with the images of a run. */
export function batchedShapeOf({ name }: AnyOp): string | undefined {
  return batchedShapes[name as OpName];
}
