import { channels, type Value } from "../ir/graph.ts";
import type { Scope } from "../ir/scope.ts";
import { batchNorm } from "../ops/batchNorm.ts";
import { batchNormTrain } from "../ops/batchNormTrain.ts";
import { channelShuffle } from "../ops/channelShuffle.ts";
import { conv2d } from "../ops/conv2d.ts";
import { dropout as dropoutOp } from "../ops/dropout.ts";
import { globalAveragePool } from "../ops/globalAveragePool.ts";
import { linear as linearOp } from "../ops/linear.ts";
import { maxPool as maxPoolOp } from "../ops/maxPool.ts";
import { reshape } from "../ops/reshape.ts";
import { type Similarity, similarityRule } from "../ops/similarity.ts";
import { needMultiple, needWhole } from "./legal.ts";
import { type Padding, type Pair, pair, pixelsOfPadding } from "./padding.ts";

/** A convolution: `out` channels, square or [height, width] kernel, stride and padding in pixels. */
export interface Convolution {
  readonly out: number;
  readonly kernel?: number | Pair;
  readonly stride?: number | Pair;
  readonly padding?: Padding;
  readonly groups?: number;
  readonly hasBias?: boolean;
  /** What it sums; the product unless given. */
  readonly similarity?: Similarity;
  /** Names of its weights, where a reference has others than "weight" and "bias". */
  readonly leaves?: { readonly filter: string; readonly bias: string };
}

/** A convolution with weights "weight" [out, in / groups, kh, kw] (normal, for products of variance 2 / fan-out) and, where asked for, "bias". */
export function convolution(g: Scope, x: Value, options: Convolution): Value {
  const { out, groups = 1, padding = "symmetrical", hasBias = false, similarity = "product" } = options;
  const { filter, bias } = options.leaves ?? { filter: "weight", bias: "bias" };
  const kernel = pair(options.kernel ?? 3);
  const stride = pair(options.stride ?? 1);
  needWhole(g, "channels of a convolution", out);
  needWhole(g, "groups of a convolution", groups);
  for (const count of [channels(x), out]) needMultiple(g, `channels of a convolution in ${groups} groups`, count, groups);
  const shape = [out, channels(x) / groups, ...kernel];
  const inputs = [x, g.parameter(filter, shape, { kind: "normal", std: similarityRule(similarity).deviation(shape, groups) })];
  if (hasBias) inputs.push(g.parameter(bias, [out], { kind: "constant", value: 0 }));
  return conv2d(g, inputs, { stride, padding: pixelsOfPadding(padding, x.shape, kernel, stride), groups, similarity });
}

/** Batch normalisation's constants, in PyTorch's sense: running = (1 − momentum) · running + momentum · batch. */
export interface Normalisation {
  readonly eps?: number;
  readonly momentum?: number;
}

/** Batch normalisation under PyTorch's names; with batch statistics and their running updates while training. arXiv 1502.03167. */
export function normalisation(g: Scope, x: Value, { eps = 1e-5, momentum = 0.1 }: Normalisation = {}): Value {
  const shape = [channels(x)];
  const gamma = g.parameter("weight", shape, { kind: "constant", value: 1 });
  const beta = g.parameter("bias", shape, { kind: "constant", value: 0 });
  const mean = g.state("running_mean", shape, { kind: "constant", value: 0 });
  const variance = g.state("running_var", shape, { kind: "constant", value: 1 });
  const count = g.state("num_batches_tracked", [], { kind: "constant", value: 0 });
  if (!g.isTraining) return batchNorm(g, [x, gamma, beta, mean, variance], { eps });
  const [y, , , newMean, newVariance, newCount] = batchNormTrain.all(g, [x, gamma, beta, mean, variance, count], { eps, momentum });
  g.update(mean, newMean);
  g.update(variance, newVariance);
  g.update(count, newCount);
  return y;
}

/** A fully connected layer with weights "weight" [out, in] (normal, deviation 0.01) and, unless refused, "bias". */
export function fullyConnected(g: Scope, x: Value, { out, hasBias = true }: { out: number; hasBias?: boolean }): Value {
  needWhole(g, "features of a fully connected layer", out);
  const inputs = [x, g.parameter("weight", [out, channels(x)], { kind: "normal", std: 0.01 })];
  if (hasBias) inputs.push(g.parameter("bias", [out], { kind: "constant", value: 0 }));
  return linearOp(g, inputs, {});
}

/** Max pooling; without padding unless given, and rounding the output size down unless `isCeil`. */
export function maxPool(
  g: Scope,
  x: Value,
  { kernel, stride, padding = 0, isCeil = false }: { kernel: number; stride: number; padding?: Padding; isCeil?: boolean },
): Value {
  const [size, step] = [pair(kernel), pair(stride)];
  return maxPoolOp(g, [x], { kernel: size, stride: step, padding: pixelsOfPadding(padding, x.shape, size, step), isCeil });
}

/** Every `stride`-th pixel of each row and column, from the first on: those on which a strided convolution is centred. */
export function everyPixel(g: Scope, x: Value, stride: number): Value {
  if (stride === 1) return x;
  return maxPoolOp(g, [x], { kernel: [1, 1], stride: [stride, stride], padding: [0, 0, 0, 0], isCeil: false });
}

/** Channel j of group i becomes channel j · groups + i; nothing moves where there is one group, or one channel in each. */
export function shuffled(g: Scope, x: Value, groups: number): Value {
  return groups === 1 || groups === channels(x) ? x : channelShuffle(g, [x], { groups });
}

/** The mean of each channel: [n, c, h, w] → [n, c]. */
export function pooledFeatures(g: Scope, x: Value): Value {
  return reshape(g, [globalAveragePool(g, [x], {})], { shape: [x.shape[0], channels(x)] });
}

/** Zeroes a share of the elements while training and scales the rest up; the identity otherwise. */
export function dropout(g: Scope, x: Value, rate: number): Value {
  if (!g.isTraining || rate === 0) return x;
  return dropoutOp(g, [x, g.input(`noise.${g.path}`, x.shape)], { rate });
}
