export { type Activation, activate } from "./activation.ts";
export { convNormActivation } from "./convNormActivation.ts";
export { depthwiseSeparable } from "./depthwiseSeparable.ts";
export { fire } from "./fire.ts";
export { invertedResidual } from "./invertedResidual.ts";
export { convolution, dropout, fullyConnected, maxPool, pooledFeatures } from "./layers.ts";
export type { Padding, PaddingStyle } from "./padding.ts";
export { shuffleUnit } from "./shuffleUnit.ts";
export {
  surveyAttentiveResidual,
  surveyDepthwiseSeparable,
  surveyFire,
  surveyInvertedResidual,
  surveyShuffleUnit,
  surveySqueezeExcitation,
} from "./survey.ts";
export { vanillaConv } from "./vanillaConv.ts";
