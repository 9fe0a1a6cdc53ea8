/** Micro-factorised convolution, MicroNet (arXiv 2108.05894): matrices of low rank in place of 1×1 and of depthwise filters. */
import { channels, type Value } from "../ir/graph.ts";
import type { Scope } from "../ir/scope.ts";
import { convNormActivation } from "./convNormActivation.ts";
import { type Normalisation, shuffled } from "./layers.ts";
import { needMultiple } from "./legal.ts";
import { type Padding, type Pair, pair } from "./padding.ts";

/** What the layers of these blocks share. */
export interface MicroLayer {
  readonly norm?: Normalisation;
  readonly padding?: Padding;
}

/** A k×1 convolution of `inner` channels, then a 1×k one that filters each of these on its own. */
export interface SpatialFactors extends MicroLayer {
  readonly inner: number;
  readonly out: number;
  readonly kernel: number;
  readonly stride?: number;
  /** Of the first convolution. Default: one. */
  readonly groups?: number;
}

/** k×1 and 1×k, each with its normalisation and none with an activation. Weights "conv.0" to "conv.3". */
export function spatialFactors(g: Scope, x: Value, options: SpatialFactors): Value {
  const { inner, out, kernel, stride = 1, groups = 1, ...rest } = options;
  const layer = (y: Value, first: number, form: { out: number; groups: number; kernel: Pair; stride: Pair }): Value => {
    const names = { conv: String(first), norm: String(first + 1) };
    return convNormActivation(g.scope("conv"), y, {
      ...rest,
      ...form,
      padding: onEachAxis(rest.padding, form.kernel),
      act: "identity",
      names,
    });
  };
  const y = layer(x, 0, { out: inner, groups, kernel: [kernel, 1], stride: [stride, 1] });
  return layer(y, 2, { out, groups: inner, kernel: [1, kernel], stride: [1, stride] });
}

/** Pixels of padding belong to the axis on which the filter is long. */
function onEachAxis(padding: Padding | undefined, kernel: Pair): Padding | undefined {
  if (padding === undefined || typeof padding === "string") return padding;
  const [vertical, horizontal] = pair(padding);
  return [kernel[0] === 1 ? 0 : vertical, kernel[1] === 1 ? 0 : horizontal];
}

/** Side and stride of the filter, and by how much each of its two halves multiplies the channels. */
export interface MicroDepthwise extends MicroLayer {
  readonly kernel?: number;
  readonly stride?: number;
  readonly expand?: Pair;
}

/** Micro-factorised depthwise convolution: a k×k filter of rank one for each channel, or for several made of one. Section 3.2, fig. 3. */
export function microDepthwise(g: Scope, x: Value, { kernel = 3, expand: [first, second] = [1, 1], ...rest }: MicroDepthwise): Value {
  const inner = channels(x) * first;
  return spatialFactors(g, x, { ...rest, kernel, inner, out: inner * second, groups: channels(x) });
}

/** A 1×1 convolution in groups, and its normalisation: one of the two factors of a micro-factorised 1×1 convolution. Weights "conv.0" and "conv.1". */
export function groupedPointwise(g: Scope, x: Value, { out, groups, norm }: { out: number; groups: number; norm?: Normalisation }): Value {
  needMultiple(g, `inputs of a 1×1 convolution in ${groups} groups`, channels(x), groups);
  needMultiple(g, `outputs of a 1×1 convolution in ${groups} groups`, out, groups);
  return convNormActivation(g.scope("conv"), x, { out, kernel: 1, groups, norm, act: "identity" });
}

/** `out` channels by way of `hidden` ones, both convolutions in `groups`. */
export interface MicroPointwise extends Pick<MicroLayer, "norm"> {
  readonly out: number;
  readonly hidden: number;
  readonly groups: number;
}

/** Micro-factorised 1×1 convolution P·Φ·Qᵀ: compress in groups, shuffle, expand in groups. Section 3.1, fig. 2. Weights "compress" and "expand". */
export function microPointwise(g: Scope, x: Value, { out, hidden, groups, norm }: MicroPointwise): Value {
  const y = groupedPointwise(g.scope("compress"), x, { out: hidden, groups, norm });
  return groupedPointwise(g.scope("expand"), shuffled(g, y, groups), { out, groups, norm });
}
