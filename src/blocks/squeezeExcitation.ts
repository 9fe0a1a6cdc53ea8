import { channels, type Value } from "../ir/graph.ts";
import type { Scope } from "../ir/scope.ts";
import { globalAveragePool } from "../ops/globalAveragePool.ts";
import { multiply } from "../ops/multiply.ts";
import { reshape } from "../ops/reshape.ts";
import { type Activation, activate } from "./activation.ts";
import { convolution, fullyConnected, pooledFeatures } from "./layers.ts";

/** Channel attention: `squeeze` channels between the two layers, which are 1×1 convolutions or linear layers. */
export interface SqueezeExcitation {
  readonly squeeze: number;
  readonly act?: Activation;
  readonly gate?: Activation;
  readonly hasBias?: boolean;
  readonly form?: "convolution" | "linear";
  readonly names?: { readonly squeeze: string; readonly excite: string };
}

/** Scales each channel by a gate computed from all channels' means. Squeeze-and-Excitation, arXiv 1709.01507, fig. 2. */
export function squeezeExcitation(g: Scope, x: Value, options: SqueezeExcitation): Value {
  const { squeeze, act = "relu", gate = "sigmoid", hasBias = true, form = "convolution" } = options;
  const { names = { squeeze: "fc1", excite: "fc2" } } = options;
  const isLinear = form === "linear";
  const layer = (name: string, y: Value, out: number): Value =>
    isLinear ? fullyConnected(g.scope(name), y, { out, hasBias }) : convolution(g.scope(name), y, { out, kernel: 1, hasBias });
  const means = isLinear ? pooledFeatures(g, x) : globalAveragePool(g, [x], {});
  const hidden = activate(g, layer(names.squeeze, means, squeeze), act);
  const gates = activate(g, layer(names.excite, hidden, channels(x)), gate);
  return multiply(g, [x, isLinear ? reshape(g, [gates], { shape: [x.shape[0], channels(x), 1, 1] }) : gates], {});
}
