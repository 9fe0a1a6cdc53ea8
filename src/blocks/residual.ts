import { channels, type Value } from "../ir/graph.ts";
import type { Scope } from "../ir/scope.ts";
import { add } from "../ops/add.ts";
import { dropout } from "../ops/dropout.ts";

/**
 * While training, drops the branch of a share `rate` of the images and scales the others up; the identity otherwise. Stochastic depth, arXiv
 * 1603.09382.
 */
function stochasticDepth(g: Scope, x: Value, rate: number): Value {
  if (!g.isTraining || rate === 0) return x;
  return dropout(g, [x, g.input(`noise.${g.path}`, [x.shape[0], 1, 1, 1])], { rate });
}

/** The branch `y` plus the block's input where the block kept resolution and channels, else `y` alone: the shortcut of inverted residuals. */
export function residual(g: Scope, x: Value, y: Value, { stride, dropRate = 0 }: { stride: number; dropRate?: number }): Value {
  const isResidual = stride === 1 && channels(x) === channels(y);
  return isResidual ? add(g, [x, stochasticDepth(g, y, dropRate)], {}) : y;
}
