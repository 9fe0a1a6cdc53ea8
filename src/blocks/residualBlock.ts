import { channels, type Value } from "../ir/graph.ts";
import type { Scope } from "../ir/scope.ts";
import { add } from "../ops/add.ts";
import { relu } from "../ops/relu.ts";
import { padChannels } from "../ops/slice.ts";
import { type ConvNormActivation, type ConvNormNames, convNormActivation } from "./convNormActivation.ts";
import { everyPixel, type Normalisation } from "./layers.ts";
import type { Padding } from "./padding.ts";

/** A convolution of a residual block with its normalisation and activation. */
export interface ResidualLayer extends ConvNormActivation {
  readonly kernel: number;
  readonly stride: number;
  readonly act: "relu" | "identity";
  readonly names: ConvNormNames;
}

/** What joins where shapes change: pixels left out and channels of zeros (option A), or a 1×1 convolution (option B of section 3.3). */
export type Shortcut = "zeros" | "projection";

interface ResidualOptions {
  readonly stride?: number;
  /** Default "projection". */
  readonly shortcut?: Shortcut;
  readonly norm?: Normalisation;
  readonly padding?: Padding;
  /** Builds each convolution of the block, the projection, too; default an ordinary one. */
  readonly layer?: (g: Scope, x: Value, layer: ResidualLayer) => Value;
}

/** A residual block of two 3×3 convolutions that leave `out` channels. */
export interface BasicBlock extends ResidualOptions {
  readonly out: number;
}

/** A residual block that narrows to `hidden` channels, filters, and widens to four times as many. */
export interface Bottleneck extends ResidualOptions {
  readonly hidden: number;
  /** Which of the three convolutions has the stride: the first as in the paper (default), or the second. */
  readonly strideAt?: 1 | 2;
}

/** Channels of a bottleneck's output over those of its 3×3 convolution. */
const EXPANSION = 4;

/** `conv<index>` and `bn<index>`. */
function layerAt(
  index: number,
  out: number,
  kernel: number,
  stride: number,
  act: "relu" | "identity",
  options: ResidualOptions,
): ResidualLayer {
  const { norm = {}, padding = "symmetrical" } = options;
  return { out, kernel, stride, act, norm, padding, names: { conv: `conv${index}`, norm: `bn${index}` } };
}

/** The block's input in the shape of its output. */
function joined(g: Scope, x: Value, out: number, options: ResidualOptions): Value {
  const { stride = 1, shortcut = "projection", layer = convNormActivation } = options;
  if (stride === 1 && channels(x) === out) return x;
  if (shortcut === "projection") {
    const names = { conv: "downsample.0", norm: "downsample.1" };
    return layer(g, x, { ...layerAt(0, out, 1, stride, "identity", options), names });
  }
  const kept = everyPixel(g, x, stride);
  const added = out - channels(x);
  return added === 0 ? kept : padChannels(g, [kept], { before: added >> 1, after: added - (added >> 1) });
}

/** Two 3×3 convolutions beside a shortcut. arXiv 1512.03385, fig. 5, left. */
export function basicBlock(g: Scope, x: Value, options: BasicBlock): Value {
  const { out, stride = 1, layer = convNormActivation } = options;
  const y = layer(g, x, layerAt(1, out, 3, stride, "relu", options));
  const branch = layer(g, y, layerAt(2, out, 3, 1, "identity", options));
  return relu(g, [add(g, [branch, joined(g, x, out, options)], {})], {});
}

/** A 1×1, a 3×3 and a 1×1 convolution beside a shortcut. arXiv 1512.03385, fig. 5, right. */
export function bottleneck(g: Scope, x: Value, options: Bottleneck): Value {
  const { hidden, stride = 1, strideAt = 1, layer = convNormActivation } = options;
  const out = EXPANSION * hidden;
  let y = layer(g, x, layerAt(1, hidden, 1, strideAt === 1 ? stride : 1, "relu", options));
  y = layer(g, y, layerAt(2, hidden, 3, strideAt === 2 ? stride : 1, "relu", options));
  y = layer(g, y, layerAt(3, out, 1, 1, "identity", options));
  return relu(g, [add(g, [y, joined(g, x, out, options)], {})], {});
}
