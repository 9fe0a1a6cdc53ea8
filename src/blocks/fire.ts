import { OptionError } from "../core/errors.ts";
import { channels, type Value } from "../ir/graph.ts";
import type { Scope } from "../ir/scope.ts";
import { add } from "../ops/add.ts";
import { concat } from "../ops/concat.ts";
import { relu } from "../ops/relu.ts";
import { convolution } from "./layers.ts";

/** The paper's s1×1, e1×1 and e3×3: channels of the three convolutions. */
export interface Fire {
  readonly squeeze: number;
  readonly expand1x1: number;
  readonly expand3x3: number;
  /** What is added to the output (section 6 of the paper): the input, or ("complex") a 1×1 convolution of it called "bypass". */
  readonly bypass?: "none" | "simple" | "complex";
}

/** Squeeze to few channels, then expand by 1×1 and 3×3 side by side; biases, no normalisation. SqueezeNet, arXiv 1602.07360, fig. 1 and 2. */
export function fire(g: Scope, x: Value, { squeeze, expand1x1, expand3x3, bypass = "none" }: Fire): Value {
  const layer = (name: string, y: Value, out: number, kernel: number): Value =>
    relu(g, [convolution(g.scope(name), y, { out, kernel, hasBias: true })], {});
  const s = layer("squeeze", x, squeeze, 1);
  const y = concat(g, [layer("expand1x1", s, expand1x1, 1), layer("expand3x3", s, expand3x3, 3)], { axis: 1 });
  if (bypass === "none") return y;
  if (bypass === "complex") return add(g, [y, convolution(g.scope("bypass"), x, { out: channels(y), kernel: 1, hasBias: true })], {});
  if (channels(x) !== channels(y)) {
    throw new OptionError(`fire at "${g.path}": a simple bypass of ${channels(x)} channels needs as many outputs, found ${channels(y)}`);
  }
  return add(g, [y, x], {});
}
