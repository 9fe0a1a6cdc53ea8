import { OptionError } from "../core/errors.ts";
import { channels, type Value } from "../ir/graph.ts";
import type { Scope } from "../ir/scope.ts";
import { add } from "../ops/add.ts";
import { concat } from "../ops/concat.ts";
import { type Activation, activate } from "./activation.ts";
import { convolution, type Normalisation, normalisation } from "./layers.ts";

/** The paper's s1×1, e1×1 and e3×3: channels of the three convolutions. */
export interface Fire {
  readonly squeeze: number;
  readonly expand1x1: number;
  readonly expand3x3: number;
  /** What is added to the output (section 6 of the paper): the input, or ("complex") a 1×1 convolution of it called "bypass". */
  readonly bypass?: "none" | "simple" | "complex";
  /** Where given, the squeeze and the concatenation are normalised, and the convolutions have no biases; the paper's module has biases only. */
  readonly norm?: Normalisation;
  /** After the expansion. Default: ReLU. */
  readonly act?: Activation;
}

/** Squeeze to few channels, then expand by 1×1 and 3×3 side by side; biases, no normalisation. SqueezeNet, arXiv 1602.07360, fig. 1 and 2. */
export function fire(g: Scope, x: Value, options: Fire): Value {
  const { squeeze, expand1x1, expand3x3, bypass = "none", norm, act = "relu" } = options;
  const layer = (name: string, y: Value, out: number, kernel: number): Value =>
    convolution(g.scope(name), y, { out, kernel, hasBias: norm === undefined });
  // With a normalisation, both parts of the expansion share it and the activation after it.
  const finish = (name: string, y: Value, last: Activation): Value =>
    activate(g, norm === undefined ? y : normalisation(g.scope(name), y, norm), last);
  const part = (y: Value): Value => (norm === undefined ? activate(g, y, act) : y);
  const s = finish("squeeze.bn", layer("squeeze", x, squeeze, 1), "relu");
  const both = [part(layer("expand1x1", s, expand1x1, 1)), part(layer("expand3x3", s, expand3x3, 3))];
  const joined = concat(g, both, { axis: 1 });
  const y = norm === undefined ? joined : finish("bn", joined, act);
  if (bypass === "none") return y;
  if (bypass === "complex") return add(g, [y, convolution(g.scope("bypass"), x, { out: channels(y), kernel: 1, hasBias: true })], {});
  if (channels(x) !== channels(y)) {
    throw new OptionError(
      `fire at "${g.path}": a simple bypass of ${channels(x)} channels needs as many outputs, found ${channels(y)}; nearest legal value ${channels(x)}`,
    );
  }
  return add(g, [y, x], {});
}
