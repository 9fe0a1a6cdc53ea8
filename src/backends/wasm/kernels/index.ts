/** The kernel table: one entry per op. A missing op runs on the float64 reference, and the profile says so. */
import { dtypeOf } from "../../../ir/graph.ts";
import type { KernelTable, Lower } from "../kernel.ts";
import { batchNorm, batchNormEvalGradient, normScale } from "./batchNorm.ts";
import { batchNormGradient } from "./batchNormGradient.ts";
import { batchNormTrain } from "./batchNormTrain.ts";
import { channelConv, channelConvInputGradient } from "./channelConv.ts";
import { channelConvWeightGradient } from "./channelConvWeightGradient.ts";
import { channelSum } from "./channelSum.ts";
import { channelShuffle, concat, padChannels, slice } from "./channels.ts";
import { clipScale, gradientNorms } from "./clipping.ts";
import { conv2d } from "./conv2d.ts";
import { conv2dInputGradient } from "./conv2dInputGradient.ts";
import { conv2dWeightGradient } from "./conv2dWeightGradient.ts";
import { dynamicShiftMax } from "./dynamicShiftMax.ts";
import { dynamicShiftMaxGradient } from "./dynamicShiftMaxGradient.ts";
import { elementwise } from "./elementwise.ts";
import { narrowScales, roundToScales, wideScales } from "./filterScales.ts";
import { integerAdd, lookup } from "./integer/elementwiseBytes.ts";
import { integerConv2d, integerLinear } from "./integer/integerConv2d.ts";
import { integerDepthwise } from "./integer/integerDepthwise.ts";
import { integerMultiply } from "./integer/integerMultiply.ts";
import { integerAveragePool, integerGlobalAveragePool, maxPoolBytes } from "./integer/integerPool.ts";
import { channelShuffleBytes, concatBytes, padChannelsBytes, reshapeBytes, sliceBytes } from "./integer/moveBytes.ts";
import { dequantise, quantise } from "./integer/quantise.ts";
import { layerRate } from "./layerRate.ts";
import { linear } from "./linear.ts";
import { linearInputGradient } from "./linearInputGradient.ts";
import { linearWeightGradient } from "./linearWeightGradient.ts";
import { adamw, ema, rmsprop, sgd } from "./optimiser.ts";
import { averagePool, globalAveragePool, maxPool } from "./pool.ts";
import { averagePoolGradient, globalAveragePoolGradient, maxPoolGradient } from "./poolGradient.ts";
import { reshape } from "./reshape.ts";
import { softmax, softmaxCrossEntropy, softmaxCrossEntropyGradient, softmaxGradient } from "./softmax.ts";
import { sumTo } from "./sumTo.ts";

/** Kernels of an op that serves both kinds of elements. */
function byType(floats: Lower, bytes: Lower): Lower {
  return (node, context) => (dtypeOf(node.inputs[0]) === "f32" ? floats : bytes)(node, context);
}

export const kernels = {
  adamw,
  add: elementwise,
  averagePool,
  averagePoolGradient,
  batchNorm,
  batchNormEvalGradient,
  batchNormGradient,
  batchNormTrain,
  channelConv,
  channelConvInputGradient,
  channelConvWeightGradient,
  channelShuffle: byType(channelShuffle, channelShuffleBytes),
  channelSum,
  clipScale,
  concat: byType(concat, concatBytes),
  conv2d,
  conv2dInputGradient,
  conv2dWeightGradient,
  dequantise,
  dropout: elementwise,
  dynamicShiftMax,
  dynamicShiftMaxGradient,
  ema,
  globalAveragePool,
  globalAveragePoolGradient,
  fakeQuantise: elementwise,
  fakeQuantiseGradient: elementwise,
  gradientNorms,
  hardSigmoid: elementwise,
  hardSigmoidGradient: elementwise,
  hardSwish: elementwise,
  hardSwishGradient: elementwise,
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
  maximum: elementwise,
  maximumGradient: elementwise,
  lookup,
  maxPool: byType(maxPool, maxPoolBytes),
  maxPoolGradient,
  multiply: elementwise,
  narrowScales,
  normScale,
  padChannels: byType(padChannels, padChannelsBytes),
  quantise,
  relu6: elementwise,
  relu6Gradient: elementwise,
  relu: elementwise,
  reluGradient: elementwise,
  reshape: byType(reshape, reshapeBytes),
  rmsprop,
  roundToScales,
  sgd,
  sigmoid: elementwise,
  sigmoidGradient: elementwise,
  silu: elementwise,
  siluGradient: elementwise,
  slice: byType(slice, sliceBytes),
  softmax,
  softmaxCrossEntropy,
  softmaxCrossEntropyGradient,
  softmaxGradient,
  sumTo,
  wideScales,
} satisfies KernelTable;
