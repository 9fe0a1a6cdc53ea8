export { type Activation, activate } from "./activation.ts";
export {
  channelNetUnit,
  convolutionalClassification,
  depthwiseSeparableChannelConvolution,
  groupChannelConvolution,
  groupModule,
  surveyChannelConv,
} from "./channelNet.ts";
export { convNormActivation } from "./convNormActivation.ts";
export { depthwiseSeparable } from "./depthwiseSeparable.ts";
export { type Design, type DesignName, designs, type Slot, standIn } from "./designs.ts";
export { fire } from "./fire.ts";
export { ghostBottleneck, ghostModule, surveyGhostModule } from "./ghost.ts";
export { interleavedV1, interleavedV2, interleavedV3, surveyInterleavedV1, surveyInterleavedV2 } from "./interleaved.ts";
export { invertedResidual } from "./invertedResidual.ts";
export { convolution, dropout, fullyConnected, maxPool, normalisation, pooledFeatures } from "./layers.ts";
export { makeDivisible, nearestMultiple } from "./legal.ts";
export { fusedMbConv, mbConv, surveyFusedMbConv } from "./mbConv.ts";
export { type MicroBlock, microBlock, microBlockA, microBlockB, microBlockC } from "./microBlock.ts";
export { type MicroDepthwise, type MicroPointwise, microDepthwise, microPointwise } from "./microFactors.ts";
export { type MicroStem, microStem, swishLinear } from "./microHead.ts";
export type { Padding, PaddingStyle } from "./padding.ts";
export { type ShiftMax, shiftMax, shiftMaxStarts } from "./shiftMax.ts";
export { type ShuffleConvention, shuffleNetUnit, surveyShuffleNetUnit } from "./shuffleNetUnit.ts";
export { shuffleUnit } from "./shuffleUnit.ts";
export { squeezeNext, surveySqueezeNext } from "./squeezeNext.ts";
export {
  surveyAttentiveResidual,
  surveyDepthwiseSeparable,
  surveyFire,
  surveyInvertedResidual,
  surveyShuffleUnit,
  surveySqueezeExcitation,
} from "./survey.ts";
export { vanillaConv } from "./vanillaConv.ts";
