export { type Activation, activate } from "./activation.ts";
export { type ConvNormActivation, convNormActivation } from "./convNormActivation.ts";
export { type DepthwiseSeparable, depthwiseSeparable } from "./depthwiseSeparable.ts";
export { type Fire, fire } from "./fire.ts";
export { type InvertedResidual, invertedResidual } from "./invertedResidual.ts";
export { convolution, dropout, fullyConnected, maxPool, normalisation, pooledFeatures } from "./layers.ts";
export type { Padding, PaddingStyle } from "./padding.ts";
export { type ShuffleUnit, shuffleUnit } from "./shuffleUnit.ts";
export { type SqueezeExcitation, squeezeExcitation } from "./squeezeExcitation.ts";
export {
  surveyAttentiveResidual,
  surveyDepthwiseSeparable,
  surveyFire,
  surveyInvertedResidual,
  surveyShuffleUnit,
  surveySqueezeExcitation,
} from "./survey.ts";
export { type VanillaConv, vanillaConv } from "./vanillaConv.ts";
