import type { Value } from "../ir/graph.ts";
import type { Scope } from "../ir/scope.ts";
import { type ConvNormActivation, convNormActivation } from "./convNormActivation.ts";

/** The survey's plain unit: convolution (with a bias, although normalisation follows) → [BN] → [activation]. */
export type VanillaConv = Omit<ConvNormActivation, "names" | "hasBias">;

/** The survey's VanillaConv; kernel 3 and padding 1 unless given. */
export function vanillaConv(g: Scope, x: Value, options: VanillaConv): Value {
  return convNormActivation(g, x, {
    padding: 1,
    ...options,
    hasBias: true,
    names: { conv: "vanilla_conv.0", norm: "vanilla_conv.batchnorm" },
  });
}
