import { channels, type Value } from "../ir/graph.ts";
import type { Scope } from "../ir/scope.ts";
import type { Activation } from "./activation.ts";
import { convNormActivation } from "./convNormActivation.ts";
import type { Normalisation } from "./layers.ts";
import type { Padding } from "./padding.ts";

/** Output channels, stride of the depthwise layer, and what both layers share. */
export interface DepthwiseSeparable {
  readonly out: number;
  readonly stride?: number;
  readonly act?: Activation;
  /** After the second layer, where it differs. */
  readonly last?: Activation;
  readonly norm?: Normalisation;
  readonly padding?: Padding;
}

const names = { conv: "conv", norm: "bn" };

/** Filter each channel (3×3), then mix channels (1×1). MobileNets, arXiv 1704.04861, fig. 3 right. */
export function depthwiseSeparable(g: Scope, x: Value, { out, stride = 1, last, ...shared }: DepthwiseSeparable): Value {
  const [width, depthwise, pointwise] = [channels(x), g.scope("dw_conv"), g.scope("pw_conv")];
  const filtered = convNormActivation(depthwise, x, { ...shared, out: width, kernel: 3, stride, groups: width, names });
  return convNormActivation(pointwise, filtered, { ...shared, ...(last ? { act: last } : {}), out, kernel: 1, names });
}
