/** MicroNet's first layer and its fully connected layers (arXiv 2108.05894), as the authors' code has them. */
import { channels, type Value } from "../ir/graph.ts";
import type { Scope } from "../ir/scope.ts";
import { maximum } from "../ops/maximum.ts";
import { slice } from "../ops/slice.ts";
import { activate } from "./activation.ts";
import { fullyConnected, type Normalisation, normalisation, shuffled } from "./layers.ts";
import { needMultiple } from "./legal.ts";
import { type MicroLayer, spatialFactors } from "./microFactors.ts";
import type { Pair } from "./padding.ts";

/** s1 channels after the 3×1 convolution, s2 times as many after the 1×3 one; a pair of these becomes one where twice `out` are computed. */
export interface MicroStem extends MicroLayer {
  readonly channels: Pair;
  readonly out: number;
  readonly stride?: number;
}

/** A dense 3×1 convolution, a 1×3 one for each of its channels, a shuffle; then ReLU6, or the greater of each pair of channels. */
export function microStem(g: Scope, x: Value, { channels: [s1, s2], out, ...rest }: MicroStem): Value {
  const at = g.scope("stem");
  const y = shuffled(at.scope("0"), spatialFactors(at.scope("0"), x, { ...rest, inner: s1, out: s1 * s2, kernel: 3 }), s1);
  return s1 * s2 === 2 * out ? pairMaximum(at.scope("1"), y) : activate(at.scope("1"), y, "relu6");
}

/** The greater of channels 0 and 1, of 2 and 3 … */
function pairMaximum(g: Scope, x: Value): Value {
  needMultiple(g, "channels that are taken in pairs", channels(x), 2);
  const length = channels(x) / 2;
  const dealt = shuffled(g, x, length);
  const [first, second] = [0, length].map((start) => slice(g, [dealt], { start, length, axis: 1 }));
  return maximum(g, [first, second], {});
}

/** A fully connected layer, normalisation of its features over the batch, h-swish. Weights "linear.0" and "linear.1". */
export function swishLinear(g: Scope, x: Value, { out, norm }: { out: number; norm?: Normalisation }): Value {
  const y = normalisation(g.scope("linear.1"), fullyConnected(g.scope("linear.0"), x, { out }), norm);
  return activate(g.scope("linear.2"), y, "hardSwish");
}
