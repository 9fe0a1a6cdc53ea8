/** The kernel table: one entry per op. A missing op runs on the float64 reference, and the profile says so. */
import type { KernelTable } from "../kernel.ts";
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
  channelShuffle,
  channelSum,
  clipScale,
  concat,
  conv2d,
  conv2dInputGradient,
  conv2dWeightGradient,
  dropout: elementwise,
  dynamicShiftMax,
  dynamicShiftMaxGradient,
  ema,
  globalAveragePool,
  globalAveragePoolGradient,
  gradientNorms,
  hardSigmoid: elementwise,
  hardSigmoidGradient: elementwise,
  hardSwish: elementwise,
  hardSwishGradient: elementwise,
  layerRate,
  linear,
  linearInputGradient,
  linearWeightGradient,
  maximum: elementwise,
  maximumGradient: elementwise,
  maxPool,
  maxPoolGradient,
  multiply: elementwise,
  normScale,
  padChannels,
  relu6: elementwise,
  relu6Gradient: elementwise,
  relu: elementwise,
  reluGradient: elementwise,
  reshape,
  rmsprop,
  sgd,
  sigmoid: elementwise,
  sigmoidGradient: elementwise,
  silu: elementwise,
  siluGradient: elementwise,
  slice,
  softmax,
  softmaxCrossEntropy,
  softmaxCrossEntropyGradient,
  softmaxGradient,
  sumTo,
} satisfies KernelTable;
