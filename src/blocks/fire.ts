import type { Value } from "../ir/graph.ts";
import type { Scope } from "../ir/scope.ts";
import { concat } from "../ops/concat.ts";
import { relu } from "../ops/relu.ts";
import { convolution } from "./layers.ts";

/** The paper's s1×1, e1×1 and e3×3: channels of the three convolutions. */
export interface Fire {
  readonly squeeze: number;
  readonly expand1x1: number;
  readonly expand3x3: number;
}

/** Squeeze to few channels, then expand by 1×1 and 3×3 side by side; biases, no normalisation. SqueezeNet, arXiv 1602.07360, fig. 1. */
export function fire(g: Scope, x: Value, { squeeze, expand1x1, expand3x3 }: Fire): Value {
  const layer = (name: string, y: Value, out: number, kernel: number): Value =>
    relu(g, [convolution(g.scope(name), y, { out, kernel, hasBias: true })], {});
  const s = layer("squeeze", x, squeeze, 1);
  return concat(g, [layer("expand1x1", s, expand1x1, 1), layer("expand3x3", s, expand3x3, 3)], { axis: 1 });
}
