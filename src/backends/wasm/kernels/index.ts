/** The kernel table: one entry per op. A missing op runs on the float64 reference, and the profile says so. */
import type { KernelTable } from "../kernel.ts";
import { normScale } from "./batchNorm.ts";
import { batchNormEvalGradient } from "./batchNormEvalGradient.ts";
import { batchNormGradient } from "./batchNormGradient.ts";
import { batchNormTrain } from "./batchNormTrain.ts";
import { channelConv, channelConvInputGradient } from "./channelConv.ts";
import { channelConvWeightGradient } from "./channelConvWeightGradient.ts";
import { channelSum } from "./channelSum.ts";
import { clipScale, gradientNorms } from "./clipping.ts";
import { conv2dInputGradient } from "./conv2dInputGradient.ts";
import { conv2dWeightGradient } from "./conv2dWeightGradient.ts";
import { dynamicShiftMax } from "./dynamicShiftMax.ts";
import { dynamicShiftMaxGradient } from "./dynamicShiftMaxGradient.ts";
import { elementwise } from "./elementwise.ts";
import { narrowScales, roundToScales, wideScales } from "./filterScales.ts";
import { forwardKernels } from "./forward.ts";
import { integerKernels } from "./integer/index.ts";
import { layerRate } from "./layerRate.ts";
import { linearInputGradient } from "./linearInputGradient.ts";
import { linearWeightGradient } from "./linearWeightGradient.ts";
import { adamw, ema, rmsprop, sgd } from "./optimiser.ts";
import { permute } from "./permute.ts";
import { averagePoolGradient, globalAveragePoolGradient, maxPoolGradient } from "./poolGradient.ts";
import { resample } from "./resample.ts";
import { softmax, softmaxCrossEntropy, softmaxCrossEntropyGradient, softmaxGradient } from "./softmax.ts";
import { sumTo } from "./sumTo.ts";

export const kernels = {
  ...forwardKernels,
  ...integerKernels,
  adamw,
  affine: elementwise,
  averagePoolGradient,
  batchNormEvalGradient,
  batchNormGradient,
  batchNormTrain,
  channelConv,
  channelConvInputGradient,
  channelConvWeightGradient,
  channelSum,
  clip: elementwise,
  clipScale,
  conv2dInputGradient,
  conv2dWeightGradient,
  dropout: elementwise,
  dynamicShiftMax,
  dynamicShiftMaxGradient,
  ema,
  globalAveragePoolGradient,
  fakeQuantise: elementwise,
  fakeQuantiseGradient: elementwise,
  gradientNorms,
  hardSigmoidGradient: elementwise,
  hardSwishGradient: elementwise,
  layerRate,
  linearInputGradient,
  linearWeightGradient,
  maximumGradient: elementwise,
  maxPoolGradient,
  narrowScales,
  normScale,
  permute,
  relu6Gradient: elementwise,
  reluGradient: elementwise,
  resample,
  rmsprop,
  roundToScales,
  sgd,
  sigmoidGradient: elementwise,
  siluGradient: elementwise,
  softmax,
  softmaxCrossEntropy,
  softmaxCrossEntropyGradient,
  softmaxGradient,
  sumTo,
  wideScales,
} satisfies KernelTable;
