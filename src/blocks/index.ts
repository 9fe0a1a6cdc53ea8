export { type Activation, activate } from "./activation.ts";
export {
  type AdderBasicBlock,
  type AdderBottleneck,
  adderBasicBlock,
  adderBottleneck,
  adderConvolution,
  adderNormActivation,
} from "./adder.ts";
export {
  type ChannelNetBlock,
  channelNetUnit,
  convolutionalClassification,
  depthwiseSeparableChannelConvolution,
  type GroupModule,
  groupChannelConvolution,
  groupModule,
  type SurveyChannelConv,
  surveyChannelConv,
} from "./channelNet.ts";
export { type CompConv, type CompConvChoices, compConv } from "./compConv.ts";
export * from "./compConvRules.ts";
export { type ConvNormActivation, convNormActivation } from "./convNormActivation.ts";
export { type DepthwiseSeparable, depthwiseSeparable } from "./depthwiseSeparable.ts";
export { type DesignName, designNames } from "./designNames.ts";
export * from "./designRules.ts";
export { type Design, designs, type Slot, standIn } from "./designs.ts";
export { type Fire, fire } from "./fire.ts";
export {
  type GhostBottleneck,
  type GhostModule,
  ghostBottleneck,
  ghostModule,
  type SurveyGhostModule,
  surveyGhostModule,
} from "./ghost.ts";
export {
  type InterleavedV1,
  type InterleavedV2,
  type InterleavedV3,
  interleavedV1,
  interleavedV2,
  interleavedV3,
  surveyInterleavedV1,
  surveyInterleavedV2,
} from "./interleaved.ts";
export * from "./interleavedRules.ts";
export { type InvertedResidual, invertedResidual } from "./invertedResidual.ts";
export {
  type Convolution,
  convolution,
  dropout,
  everyPixel,
  fullyConnected,
  maxPool,
  type Normalisation,
  normalisation,
  pooledFeatures,
  shuffled,
} from "./layers.ts";
export { makeDivisible, nearestMultiple } from "./legal.ts";
export { fusedMbConv, type MbConv, mbConv, type SurveyFusedMbConv, surveyFusedMbConv } from "./mbConv.ts";
export { type MicroBlock, microBlock, microBlockA, microBlockB, microBlockC } from "./microBlock.ts";
export { type MicroDepthwise, type MicroPointwise, microDepthwise, microPointwise } from "./microFactors.ts";
export { type MicroStem, microStem, swishLinear } from "./microHead.ts";
export type { Padding, PaddingStyle } from "./padding.ts";
export {
  type BasicBlock,
  type Bottleneck,
  basicBlock,
  bottleneck,
  type ResidualLayer,
  type Shortcut,
} from "./residualBlock.ts";
export { type ShiftMax, shiftMax, shiftMaxStarts } from "./shiftMax.ts";
export { type ShuffleConvention, type ShuffleNetUnit, shuffleNetUnit, surveyShuffleNetUnit } from "./shuffleNetUnit.ts";
export { type ShuffleUnit, shuffleUnit } from "./shuffleUnit.ts";
export { type SqueezeExcitation, squeezeExcitation } from "./squeezeExcitation.ts";
export { type SqueezeNext, squeezeNext, surveySqueezeNext } from "./squeezeNext.ts";
export {
  type SurveyInvertedResidual,
  surveyAttentiveResidual,
  surveyDepthwiseSeparable,
  surveyFire,
  surveyInvertedResidual,
  surveyShuffleUnit,
  surveySqueezeExcitation,
} from "./survey.ts";
export { type VanillaConv, vanillaConv } from "./vanillaConv.ts";
