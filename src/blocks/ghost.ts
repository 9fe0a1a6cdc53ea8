import { OptionError } from "../core/errors.ts";
import { channels, type Value } from "../ir/graph.ts";
import type { Scope } from "../ir/scope.ts";
import { add } from "../ops/add.ts";
import { concat } from "../ops/concat.ts";
import { slice } from "../ops/slice.ts";
import type { Activation } from "./activation.ts";
import { convNormActivation } from "./convNormActivation.ts";
import type { Normalisation } from "./layers.ts";
import { needMultiple } from "./legal.ts";
import type { Padding } from "./padding.ts";
import { type SqueezeExcitation, squeezeExcitation } from "./squeezeExcitation.ts";
import { vanillaConv } from "./vanillaConv.ts";

/** The paper's n output channels, ratio s, kernel k of the primary convolution and d of the cheap operation. */
export interface GhostModule {
  readonly out: number;
  readonly ratio?: number;
  readonly kernel?: number;
  readonly cheapKernel?: number;
  /** Of the primary convolution. */
  readonly stride?: number;
  readonly act?: Activation;
  readonly norm?: Normalisation;
  readonly padding?: Padding;
}

/** A module of fewer than two parts, or with more parts than channels, would be no Ghost module. */
function needRatio(ratio: number, out: number): void {
  if (Number.isSafeInteger(ratio) && ratio >= 2 && ratio <= out) return;
  const legal = Math.max(2, Math.min(Math.round(ratio) || 2, out));
  throw new OptionError(
    `a Ghost module of ${out} channels needs a whole ratio from 2 to ${out}, found ${ratio}; nearest legal value ${legal}`,
  );
}

/** Few features by convolution, the others from each of these by cheap depthwise filters. GhostNet, arXiv 1911.11907, fig. 1b. */
export function ghostModule(g: Scope, x: Value, options: GhostModule): Value {
  const { out, ratio = 2, kernel = 1, cheapKernel = 3, stride = 1, ...shared } = options;
  needRatio(ratio, out);
  const intrinsic = Math.ceil(out / ratio);
  const y = convNormActivation(g.scope("primary_conv"), x, { ...shared, out: intrinsic, kernel, stride });
  const filters = { kernel: cheapKernel, groups: intrinsic, out: intrinsic * (ratio - 1) };
  const ghosts = convNormActivation(g.scope("cheap_operation"), y, { ...shared, ...filters });
  const all = concat(g, [y, ghosts], { axis: 1 });
  return channels(all) === out ? all : slice(g, [all], { start: 0, length: out, axis: 1 });
}

/** `hidden` channels between the two modules, `out` after them; the depthwise kernel and stride; where wanted channel attention. */
export interface GhostBottleneck {
  readonly out: number;
  readonly hidden: number;
  readonly kernel?: number;
  readonly stride?: number;
  /** Whether the block has the layers of one that halves the image: depthwise filter and projected shortcut. Default: where its stride is above 1. */
  readonly isReducing?: boolean;
  readonly squeeze?: SqueezeExcitation;
  readonly norm?: Normalisation;
  readonly padding?: Padding;
}

/** Expand by a Ghost module, halve the image where asked, project by one without activation; add the shortcut. GhostNet, fig. 3. */
export function ghostBottleneck(g: Scope, x: Value, options: GhostBottleneck): Value {
  const { out, hidden, kernel = 3, stride = 1, isReducing = stride > 1, squeeze, ...shared } = options;
  const linear = { ...shared, act: "identity" } as const;
  let y = ghostModule(g.scope("ghost1"), x, { ...shared, out: hidden });
  if (isReducing) {
    const names = { conv: "conv_dw", norm: "bn_dw" };
    y = convNormActivation(g, y, { ...linear, out: hidden, kernel, stride, groups: hidden, names });
  }
  if (squeeze) y = squeezeExcitation(g.scope("se"), y, { names: { squeeze: "conv_reduce", excite: "conv_expand" }, ...squeeze });
  y = ghostModule(g.scope("ghost2"), y, { ...linear, out });
  if (!isReducing && channels(x) === out) return add(g, [y, x], {});
  const at = g.scope("shortcut");
  let short = convNormActivation(at, x, { ...linear, out: channels(x), kernel, stride, groups: channels(x) });
  short = convNormActivation(at, short, { ...linear, out, kernel: 1, names: { conv: "2", norm: "3" } });
  return add(g, [y, short], {});
}

/** The survey's GhostModule: its s and d. Both parts always have a ReLU, as coded. */
export interface SurveyGhostModule {
  readonly out: number;
  readonly ratio?: number;
  readonly cheapKernel?: number;
}

/** GhostModule: out / s channels by convolution, the rest from these, none cut off. */
export function surveyGhostModule(g: Scope, x: Value, { out, ratio = 2, cheapKernel = 3 }: SurveyGhostModule): Value {
  needRatio(ratio, out);
  const intrinsic = Math.floor(out / ratio);
  needMultiple(g, `channels of the survey's Ghost module of ratio ${ratio}`, out, intrinsic);
  if (cheapKernel % 2 === 0) {
    throw new OptionError(`a cheap kernel of ${cheapKernel} would change the size of the image; nearest legal value ${cheapKernel + 1}`);
  }
  const y = vanillaConv(g.scope("primary_conv"), x, { out: intrinsic, kernel: 1, padding: 0 });
  const filters = { out: out - intrinsic, kernel: cheapKernel, padding: cheapKernel >> 1, groups: intrinsic };
  return concat(g, [y, vanillaConv(g.scope("cheap_operation"), y, filters)], { axis: 1 });
}
