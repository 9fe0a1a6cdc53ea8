import { channels, type Value } from "../ir/graph.ts";
import type { Scope } from "../ir/scope.ts";
import type { Activation } from "./activation.ts";
import { convNormActivation } from "./convNormActivation.ts";
import { convolution, type Normalisation, normalisation } from "./layers.ts";
import type { Padding } from "./padding.ts";
import { residual } from "./residual.ts";
import { type SqueezeExcitation, squeezeExcitation } from "./squeezeExcitation.ts";

/** `out` and `hidden` channels, the depthwise kernel and stride, and where wanted channel attention. */
export interface InvertedResidual {
  readonly out: number;
  readonly hidden: number;
  readonly kernel?: number;
  readonly stride?: number;
  readonly act?: Activation;
  readonly squeeze?: SqueezeExcitation;
  readonly norm?: Normalisation;
  readonly padding?: Padding;
  /** Weight names of torchvision's MobileNetV2 ("conv", projection and its BN not nested) or of its MobileNetV3 ("block"). */
  readonly layout?: "conv" | "block";
  /** Share of the images whose branch is dropped while training, where there is a shortcut. */
  readonly dropRate?: number;
}

/**
 * Expand (unless `hidden` equals the input), filter per channel, weigh channels where asked, project without activation; add the input where
 * shapes allow. MobileNetV2, arXiv 1801.04381, fig. 3b; MobileNetV3, arXiv 1905.02244, fig. 4.
 */
export function invertedResidual(g: Scope, x: Value, options: InvertedResidual): Value {
  const { out, hidden, kernel = 3, stride = 1, act = "relu6", squeeze, layout = "block", dropRate, ...shared } = options;
  let index = 0;
  const next = (): Scope => g.scope(`${layout}.${index++}`);
  let y = x;
  if (hidden !== channels(x)) y = convNormActivation(next(), y, { ...shared, out: hidden, kernel: 1, act });
  y = convNormActivation(next(), y, { ...shared, out: hidden, kernel, stride, groups: hidden, act });
  if (squeeze) y = squeezeExcitation(next(), y, squeeze);
  if (layout === "block") {
    y = convNormActivation(next(), y, { ...shared, out, kernel: 1, act: "identity" });
  } else {
    y = convolution(next(), y, { out, kernel: 1 });
    y = normalisation(next(), y, shared.norm);
  }
  return residual(g, x, y, { stride, dropRate });
}
