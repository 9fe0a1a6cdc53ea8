import type { AnyOp } from "../ir/op.ts";
import { adamw } from "./adamw.ts";
import { add } from "./add.ts";
import { affine } from "./affine.ts";
import { averagePool, averagePoolGradient } from "./averagePool.ts";
import { batchNorm, batchNormEvalGradient } from "./batchNorm.ts";
import { batchNormGradient, batchNormTrain } from "./batchNormTrain.ts";
import { channelConv, channelConvInputGradient, channelConvWeightGradient } from "./channelConv.ts";
import { channelShuffle } from "./channelShuffle.ts";
import { channelSum } from "./channelSum.ts";
import { clip } from "./clip.ts";
import { clipScale, gradientNorms } from "./clipping.ts";
import { concat } from "./concat.ts";
import { conv2d } from "./conv2d.ts";
import { conv2dInputGradient } from "./conv2dInputGradient.ts";
import { conv2dWeightGradient } from "./conv2dWeightGradient.ts";
import { divide } from "./divide.ts";
import { dropout } from "./dropout.ts";
import { dynamicShiftMax, dynamicShiftMaxGradient } from "./dynamicShiftMax.ts";
import { ema } from "./ema.ts";
import { fakeQuantise, fakeQuantiseGradient } from "./fakeQuantise.ts";
import { narrowScales, wideScales } from "./filterScales.ts";
import { globalAveragePool, globalAveragePoolGradient } from "./globalAveragePool.ts";
import { hardSigmoid, hardSigmoidGradient } from "./hardSigmoid.ts";
import { hardSwish, hardSwishGradient } from "./hardSwish.ts";
import { integerAdd } from "./integerAdd.ts";
import { integerAveragePool, integerGlobalAveragePool } from "./integerAveragePool.ts";
import { integerConv2d } from "./integerConv2d.ts";
import { integerDepthwise } from "./integerDepthwise.ts";
import { integerLinear } from "./integerLinear.ts";
import { integerMultiply } from "./integerMultiply.ts";
import { layerRate } from "./layerRate.ts";
import { linear, linearInputGradient, linearWeightGradient } from "./linear.ts";
import { lookup } from "./lookup.ts";
import { maximum, maximumGradient } from "./maximum.ts";
import { maxPool, maxPoolGradient } from "./maxPool.ts";
import { multiply } from "./multiply.ts";
import { normScale } from "./normScale.ts";
import { permute } from "./permute.ts";
import { dequantise, quantise } from "./quantise.ts";
import { relu, reluGradient } from "./relu.ts";
import { relu6, relu6Gradient } from "./relu6.ts";
import { resample } from "./resample.ts";
import { reshape } from "./reshape.ts";
import { rmsprop } from "./rmsprop.ts";
import { roundToScales } from "./roundToScales.ts";
import { sgd } from "./sgd.ts";
import { sigmoid, sigmoidGradient } from "./sigmoid.ts";
import { silu, siluGradient } from "./silu.ts";
import { padChannels, slice } from "./slice.ts";
import { softmax, softmaxGradient } from "./softmax.ts";
import { softmaxCrossEntropy, softmaxCrossEntropyGradient } from "./softmaxCrossEntropy.ts";
import { sumTo } from "./sumTo.ts";

/** Every op, under its name. */
export const ops = {
  adamw,
  add,
  affine,
  averagePool,
  averagePoolGradient,
  batchNorm,
  batchNormEvalGradient,
  batchNormGradient,
  batchNormTrain,
  channelConv,
  channelConvInputGradient,
  channelConvWeightGradient,
  channelShuffle,
  channelSum,
  clip,
  clipScale,
  concat,
  conv2d,
  conv2dInputGradient,
  conv2dWeightGradient,
  dequantise,
  divide,
  dropout,
  dynamicShiftMax,
  dynamicShiftMaxGradient,
  ema,
  fakeQuantise,
  fakeQuantiseGradient,
  globalAveragePool,
  globalAveragePoolGradient,
  gradientNorms,
  hardSigmoid,
  hardSigmoidGradient,
  hardSwish,
  hardSwishGradient,
  integerAdd,
  integerAveragePool,
  integerConv2d,
  integerDepthwise,
  integerGlobalAveragePool,
  integerLinear,
  integerMultiply,
  layerRate,
  linear,
  linearInputGradient,
  linearWeightGradient,
  maximum,
  maximumGradient,
  lookup,
  maxPool,
  maxPoolGradient,
  multiply,
  narrowScales,
  normScale,
  padChannels,
  permute,
  quantise,
  relu,
  relu6,
  relu6Gradient,
  reluGradient,
  resample,
  reshape,
  rmsprop,
  roundToScales,
  sgd,
  sigmoid,
  sigmoidGradient,
  silu,
  siluGradient,
  slice,
  softmax,
  softmaxCrossEntropy,
  softmaxCrossEntropyGradient,
  softmaxGradient,
  sumTo,
  wideScales,
} satisfies Record<string, AnyOp>;

/** The name of an op. */
export type OpName = keyof typeof ops;
