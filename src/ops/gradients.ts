/**
 * The gradients of ops, built as graph. A rule is not part of its op's record, because it names other ops: a program that only runs graphs
 * would carry them all.
 */
import { isSameShape } from "../core/shape.ts";
import type { AnyOp, GradientRule, Op } from "../ir/op.ts";
import { affine } from "./affine.ts";
import { averagePoolGradient } from "./averagePool.ts";
import { batchNormEvalGradient } from "./batchNorm.ts";
import { batchNormGradient } from "./batchNormTrain.ts";
import { channelConvInputGradient, channelConvWeightGradient } from "./channelConv.ts";
import { channelShuffle, shuffledBack, shuffledBy } from "./channelShuffle.ts";
import { channelSum } from "./channelSum.ts";
import { conv2dInputGradient } from "./conv2dInputGradient.ts";
import { conv2dWeightGradient } from "./conv2dWeightGradient.ts";
import { dropout } from "./dropout.ts";
import { dynamicShiftMaxGradient } from "./dynamicShiftMax.ts";
import { fakeQuantiseGradient } from "./fakeQuantise.ts";
import { globalAveragePoolGradient } from "./globalAveragePool.ts";
import { hardSigmoidRule } from "./hardSigmoid.ts";
import { hardSwishRule } from "./hardSwish.ts";
import type { OpName, ops } from "./index.ts";
import { layerRate } from "./layerRate.ts";
import { linearInputGradient, linearSimilarityGradient, linearWeightGradient } from "./linear.ts";
import { maximumGradient } from "./maximum.ts";
import { maxPoolGradient } from "./maxPool.ts";
import { multiply } from "./multiply.ts";
import { permute } from "./permute.ts";
import { reluRule } from "./relu.ts";
import { relu6Rule } from "./relu6.ts";
import { reshape } from "./reshape.ts";
import { sigmoidRule } from "./sigmoid.ts";
import { siluRule } from "./silu.ts";
import { similarityGradient } from "./similarity.ts";
import { padChannels, slice } from "./slice.ts";
import { softmaxGradient } from "./softmax.ts";
import { softmaxCrossEntropyGradient } from "./softmaxCrossEntropy.ts";
import { sumTo } from "./sumTo.ts";

/** At most one rule for each op, with its attributes' type. */
type Gradients = { readonly [N in OpName]?: (typeof ops)[N] extends Op<infer A> ? GradientRule<A> : never };

const gradients: Gradients = {
  add: (g, [a, b], dy) => [dy, isSameShape(a.shape, b.shape) ? dy : sumTo(g, [dy], { shape: b.shape })],
  affine: (g, _inputs, dy, { scale }) => [affine(g, [dy], { scale, shift: 0 })],
  averagePool: (g, [x], dy, attrs) => [averagePoolGradient(g, [dy], { ...attrs, inputShape: x.shape })],
  batchNorm(g, [x, gamma, , mean, variance], dy, attrs) {
    const [dx, dgamma, dbeta] = batchNormEvalGradient.all(g, [x, gamma, mean, variance, dy], attrs);
    return [dx, dgamma, dbeta, undefined, undefined];
  },
  batchNormTrain(g, [x, gamma], dy, _attrs, { outputs: [, batchMean, batchInverseStd] }) {
    const [dx, dgamma, dbeta] = batchNormGradient.all(g, [x, gamma, batchMean, batchInverseStd, dy], {});
    return [dx, dgamma, dbeta, undefined, undefined, undefined];
  },
  channelConv: (g, [x, weight], dy, attrs) => [
    channelConvInputGradient(g, [dy, weight], { ...attrs, inputShape: x.shape }),
    channelConvWeightGradient(g, [x, dy], { ...attrs, weightShape: weight.shape }),
  ],
  // Shuffling by c / groups undoes shuffling by groups.
  channelShuffle: (g, [x], dy, { groups }) => [channelShuffle(g, [dy], { groups: x.shape[1] / groups })],
  concat(g, inputs, dy) {
    let start = 0;
    return inputs.map((x) => {
      const length = x.shape[1];
      start += length;
      return slice(g, [dy], { start: start - length, length, axis: 1 });
    });
  },
  conv2d(g, [given, weight, bias], dy, { shuffles = [], ...attrs }) {
    const { isBilinear, rate } = similarityGradient(attrs);
    const x = shuffledBy(g, given, shuffles);
    const dx = conv2dInputGradient(g, isBilinear ? [dy, weight] : [dy, weight, x], { ...attrs, inputShape: x.shape });
    const dw = conv2dWeightGradient(g, isBilinear ? [x, dy] : [x, dy, weight], { ...attrs, weightShape: weight.shape });
    const rated = rate === undefined ? dw : layerRate(g, [dw], { rate });
    const gradients = [shuffledBack(g, dx, shuffles), rated];
    return bias ? [...gradients, channelSum(g, [dy], {})] : gradients;
  },
  // Linear in x: the gradient is dropped and scaled by the same noise.
  dropout: (g, [, noise], dy, attrs) => [dropout(g, [dy, noise], attrs), undefined],
  dynamicShiftMax: (g, [x, gates], dy, attrs) => dynamicShiftMaxGradient.all(g, [x, gates, dy], attrs),
  // Straight through, where nothing is clamped; arXiv 1308.3432.
  fakeQuantise: (g, [x], dy, attrs) => [fakeQuantiseGradient(g, [dy, x], attrs)],
  globalAveragePool: (g, [x], dy) => [globalAveragePoolGradient(g, [dy], { inputShape: x.shape })],
  hardSigmoid: hardSigmoidRule,
  hardSwish: hardSwishRule,
  linear(g, [x, weight, bias], dy, attrs) {
    const { isBilinear, rate } = linearSimilarityGradient(attrs);
    const dx = linearInputGradient(g, isBilinear ? [dy, weight] : [dy, weight, x], attrs);
    const dw = linearWeightGradient(g, isBilinear ? [x, dy] : [x, dy, weight], attrs);
    const rated = rate === undefined ? dw : layerRate(g, [dw], { rate });
    return bias ? [dx, rated, channelSum(g, [dy], {})] : [dx, rated];
  },
  maximum: (g, [a, b], dy) => [maximumGradient(g, [dy, a, b], { of: "first" }), maximumGradient(g, [dy, a, b], { of: "second" })],
  maxPool: (g, [x], dy, attrs, { outputs: [y] }) => [maxPoolGradient(g, [x, y, dy], attrs)],
  multiply: (g, [a, b], dy) => [multiply(g, [dy, b], {}), sumTo(g, [multiply(g, [dy, a], {})], { shape: b.shape })],
  padChannels: (g, [x], dy, { before }) => [slice(g, [dy], { start: before, length: x.shape[1], axis: 1 })],
  permute: (g, _inputs, dy, { axes }) => [permute(g, [dy], { axes: axes.map((_, axis) => axes.indexOf(axis)) })],
  relu: reluRule,
  relu6: relu6Rule,
  reshape: (g, [x], dy) => [reshape(g, [dy], { shape: x.shape })],
  // Straight through; the scales are taken as constants.
  roundToScales: (_g, _inputs, dy) => [dy, undefined],
  sigmoid: sigmoidRule,
  silu: siluRule,
  slice: (g, [x], dy, { start, length }) => [padChannels(g, [dy], { before: start, after: x.shape[1] - start - length })],
  softmax: (g, _inputs, dy, _attrs, { outputs: [y] }) => [softmaxGradient(g, [dy, y], {})],
  softmaxCrossEntropy(g, [, target], dy, attrs, { outputs: [, probabilities] }) {
    return [softmaxCrossEntropyGradient(g, [probabilities, target, dy], attrs), undefined];
  },
};

/** The gradient rule of an op, if it has one. */
export function gradientOf(op: AnyOp): GradientRule<object> | undefined {
  return gradients[op.name as OpName] as GradientRule<object> | undefined;
}
