import type { Value } from "../ir/graph.ts";
import type { Scope } from "../ir/scope.ts";
import { type Activation, activate } from "./activation.ts";
import { type Convolution, convolution, type Normalisation, normalisation } from "./layers.ts";

/** Where a reference keeps the two layers with weights. */
export interface ConvNormNames {
  readonly conv: string;
  readonly norm: string;
}

/** A convolution, its normalisation ("none" leaves it out) and its activation. */
export interface ConvNormActivation extends Convolution {
  readonly norm?: Normalisation | "none";
  readonly act?: Activation;
  readonly names?: ConvNormNames;
  /** Builds the layer itself; default the ordinary convolution. */
  readonly convolve?: (g: Scope, x: Value, options: Convolution) => Value;
}

/** Convolution → batch normalisation → activation, the unit that all families share. Default names are torchvision's "0" and "1". */
export function convNormActivation(g: Scope, x: Value, options: ConvNormActivation): Value {
  const { norm = {}, act = "relu", names = { conv: "0", norm: "1" }, convolve = convolution } = options;
  let y = convolve(g.scope(names.conv), x, options);
  if (norm !== "none") y = normalisation(g.scope(names.norm), y, norm);
  return activate(g, y, act);
}
