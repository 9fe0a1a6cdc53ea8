import { OptionError } from "../core/errors.ts";
import { channels, type Value } from "../ir/graph.ts";
import type { Scope } from "../ir/scope.ts";
import { concat } from "../ops/concat.ts";
import { slice } from "../ops/slice.ts";
import {
  compConvDepth,
  copiedChannels,
  deepestFit,
  leastOutputs,
  MOST_DEPTH,
  nearestTailedOutputs,
  primitiveChannels,
  RECOMMENDED_BASE,
  type Slices,
  surplusChannels,
} from "./compConvRules.ts";
import { convolution, everyPixel, shuffled } from "./layers.ts";
import { needMultiple, needWhole } from "./legal.ts";
import type { Padding } from "./padding.ts";

/** What the paper leaves open or leaves to choose. */
export interface CompConvChoices {
  /** C₀ of the depth rule. Default 128. */
  readonly base?: number;
  /** The input channels that the identity parts copy. Not stated; default: each part copies from the first on. */
  readonly slices?: Slices;
  /** Where surplus channels are cut: from the end, so first from the last convolution's, or from the tail (X_A0). Texts disagree; default: the end. */
  readonly surplus?: "end" | "tail";
  /** Groups of the channel shuffle behind the concatenation. The paper has one but does not give its groups; default 1: none. */
  readonly shuffle?: number;
}

/** `out` channels of a convolution of square kernel and stride, divided `depth` times. */
export interface CompConv extends CompConvChoices {
  readonly out: number;
  /** 1 to 3. Default: what `compConvDepth` gives, or less where inputs or outputs are too few for that. */
  readonly depth?: number;
  /** Odd, so that filtered and copied parts have one size. */
  readonly kernel?: number;
  readonly stride?: number;
  readonly padding?: Padding;
}

/** A depth for which there are inputs to copy, and outputs of every level. */
function needDepth(g: Scope, inputs: number, depth: number, { out, slices = "prefix" }: CompConv): void {
  needWhole(g, "depth of a CompConv", depth, { most: MOST_DEPTH });
  const place = `a CompConv of depth ${depth} at "${g.path}"`;
  if (out < leastOutputs(depth)) {
    throw new OptionError(
      `${place} needs at least ${leastOutputs(depth)} outputs, found ${out}; nearest legal value ${leastOutputs(depth)}`,
    );
  }
  const copied = copiedChannels(out, depth, slices);
  if (copied > inputs) {
    const legal = deepestFit(inputs, out, slices, depth);
    throw new OptionError(
      `${place} copies ${copied} input channels for ${out} outputs, found ${inputs}; nearest legal value ${legal} (depth)`,
    );
  }
}

/** Refuses outputs for which the whole tail would be surplus. */
function needTail(g: Scope, out: number, depth: number, width: number): void {
  const legal = nearestTailedOutputs(out, depth);
  if (legal === out) return;
  const surplus = surplusChannels(out, depth);
  throw new OptionError(
    `the tail of the CompConv at "${g.path}" has ${width} channels, but ${surplus} are surplus for ${out} outputs; nearest legal value ${legal}`,
  );
}

function needKernel(g: Scope, kernel: number): void {
  if (Number.isSafeInteger(kernel) && kernel > 0 && kernel % 2 === 1) return;
  const legal = kernel > 0 && kernel < 1000 ? 2 * Math.floor(kernel / 2) + 1 : 3;
  throw new OptionError(`the CompConv at "${g.path}" needs an odd kernel, found ${kernel}; nearest legal value ${legal}`);
}

function cut(g: Scope, x: Value, length: number): Value {
  return length === channels(x) ? x : slice(g, [x], { start: 0, length, axis: 1 });
}

/**
 * Divide and conquer: a few channels are convolved from the whole input; beside as many copied ones they are convolved to twice as many, and so on;
 * the last are filtered once more by depthwise filters, the "tailing channels". The output holds all parts, smallest first: [A, B, …, tail, B].
 * CompConv, arXiv 2106.10486. No bias, normalisation or activation inside: what follows the convolution that it replaces follows it too. At a
 * stride only the first convolution strides, and the copies keep its pixels.
 */
export function compConv(g: Scope, x: Value, options: CompConv): Value {
  const { out, kernel = 3, stride = 1, padding, base = RECOMMENDED_BASE, slices = "prefix", surplus = "end", shuffle = 1 } = options;
  const inputs = channels(x);
  needWhole(g, "channels of a CompConv", out);
  needWhole(g, "C₀ of a CompConv", base);
  needKernel(g, kernel);
  const { depth = deepestFit(inputs, out, slices, compConvDepth(inputs, base)) } = options;
  needDepth(g, inputs, depth, options);
  const c = primitiveChannels(out, depth);
  const parts: Value[] = [];
  let y = convolution(g.scope("convs.0"), x, { out: c, kernel, stride, padding });
  let start = 0;
  for (let i = 1; i < depth; i++) {
    const length = 2 ** (i - 1) * c;
    const copied = everyPixel(g, slice(g, [x], { start, length, axis: 1 }), stride);
    if (slices === "disjoint") start += length;
    parts.push(copied, y);
    y = convolution(g.scope(`convs.${i}`), concat(g, [copied, y], { axis: 1 }), { out: 2 ** i * c, kernel, padding });
  }
  const width = channels(y);
  let tail = convolution(g.scope("tail"), y, { out: width, kernel, groups: width, padding });
  if (surplus === "tail") {
    needTail(g, out, depth, width);
    tail = cut(g, tail, width - surplusChannels(out, depth));
  }
  if (shuffle !== 1) needMultiple(g, "channels of a shuffled CompConv", out, shuffle);
  return shuffled(g, cut(g, concat(g, [...parts, tail, y], { axis: 1 }), out), shuffle);
}
