import type { Value } from "../ir/graph.ts";
import type { Scope } from "../ir/scope.ts";
import { type ConvNormActivation, convNormActivation } from "./convNormActivation.ts";
import { type Convolution, convolution } from "./layers.ts";
import { type BasicBlock, type Bottleneck, basicBlock, bottleneck } from "./residualBlock.ts";

/** AdderNet's layer: minus the L1 distance of each window from the filter, padding included. Weights "adder" and "b". arXiv 1912.13200, equation 2. */
export function adderConvolution(g: Scope, x: Value, options: Convolution): Value {
  return convolution(g, x, { ...options, similarity: "l1", leaves: { filter: "adder", bias: "b" } });
}

/** Adders → batch normalisation → activation; without the normalisation sums far below zero would meet the activation. */
export function adderNormActivation(g: Scope, x: Value, options: ConvNormActivation): Value {
  return convNormActivation(g, x, { ...options, convolve: adderConvolution });
}

/** A residual block of two 3×3 adders. */
export type AdderBasicBlock = Omit<BasicBlock, "layer">;

/** AdderNet's basic block: that of residual networks, its projection of adders, too. arXiv 1912.13200, section 4. */
export function adderBasicBlock(g: Scope, x: Value, options: AdderBasicBlock): Value {
  return basicBlock(g, x, { ...options, layer: adderNormActivation });
}

/** A residual block that narrows, filters and widens by adders. */
export type AdderBottleneck = Omit<Bottleneck, "layer">;

/** AdderNet's bottleneck; the 3×3 adders have the stride, as in the authors' code. arXiv 1912.13200, section 4. */
export function adderBottleneck(g: Scope, x: Value, options: AdderBottleneck): Value {
  return bottleneck(g, x, { strideAt: 2, ...options, layer: adderNormActivation });
}
