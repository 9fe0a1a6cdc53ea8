/**
 * The blocks of the survey post under its weight names. They differ from the papers' (biases in front of normalisation, projected shortcuts,
 * no strides), so the networks use the papers' blocks instead; these are for comparison and for weights trained with the post's code.
 */
import { channels, type Value } from "../ir/graph.ts";
import type { Scope } from "../ir/scope.ts";
import { add } from "../ops/add.ts";
import { channelShuffle } from "../ops/channelShuffle.ts";
import { concat } from "../ops/concat.ts";
import { relu } from "../ops/relu.ts";
import { slice } from "../ops/slice.ts";
import type { Activation } from "./activation.ts";
import { convolution, normalisation } from "./layers.ts";
import { needMultiple, needWhole } from "./legal.ts";
import { squeezeExcitation } from "./squeezeExcitation.ts";
import { type VanillaConv, vanillaConv } from "./vanillaConv.ts";

const pointwise = { kernel: 1, padding: 0 } as const;

function depthwise(g: Scope, x: Value, options: Partial<VanillaConv> = {}): Value {
  return vanillaConv(g, x, { ...options, out: channels(x), groups: channels(x) });
}

/** A biased 1×1 convolution without normalisation where the channel counts differ, else the input. */
export function surveyShortcut(g: Scope, x: Value, out: number): Value {
  return channels(x) === out ? x : convolution(g.scope("shortcut.0"), x, { out, kernel: 1, hasBias: true });
}

/** DSConv: depthwise, then pointwise; `act` is ReLU in the post's code and ReLU6 in its comments. */
export function surveyDepthwiseSeparable(g: Scope, x: Value, { out, act = "relu" }: { out: number; act?: Activation }): Value {
  const at = g.scope("depthwise_separable_conv");
  return vanillaConv(at.scope("1"), depthwise(at.scope("0"), x, { act }), { ...pointwise, out, act });
}

/** Inverted residuals of the survey: `expansion` is its t. */
export interface SurveyInvertedResidual {
  readonly out: number;
  readonly expansion?: number;
  /** After the first two convolutions: ReLU in the code, ReLU6 (V2) or hard-swish (V3) in the comments. */
  readonly act?: Activation;
}

/** DSConvv2: expand, filter, project linearly, add a projected shortcut. */
export function surveyInvertedResidual(g: Scope, x: Value, { out, expansion = 6, act = "relu" }: SurveyInvertedResidual): Value {
  const at = g.scope("inverted_residual");
  let y = vanillaConv(at.scope("0"), x, { ...pointwise, out: expansion * channels(x), act });
  y = depthwise(at.scope("1"), y, { act });
  y = vanillaConv(at.scope("2"), y, { ...pointwise, out, act: "identity" });
  return add(g, [y, surveyShortcut(g, x, out)], {});
}

/** SELayer: channel attention of linear layers without biases and a sigmoid gate. */
export function surveySqueezeExcitation(g: Scope, x: Value, { reduction = 16 }: { reduction?: number } = {}): Value {
  needWhole(g, "reduction of the survey's SELayer", reduction, { most: channels(x) });
  const names = { squeeze: "fc.0", excite: "fc.2" };
  return squeezeExcitation(g, x, { squeeze: Math.floor(channels(x) / reduction), hasBias: false, form: "linear", names });
}

/** DSConvv3: DSConvv2 with attention; the projection has a ReLU in the code and none in the docstring. */
export function surveyAttentiveResidual(
  g: Scope,
  x: Value,
  {
    out,
    expansion = 6,
    act = "relu",
    projection = "relu",
    reduction,
  }: SurveyInvertedResidual & { projection?: Activation; reduction?: number },
): Value {
  const at = g.scope("block");
  let y = vanillaConv(at.scope("0"), x, { ...pointwise, out: expansion * channels(x), act });
  y = depthwise(at.scope("1"), y, { act });
  y = surveySqueezeExcitation(at.scope("2"), y, { reduction });
  y = vanillaConv(at.scope("3"), y, { ...pointwise, out, act: projection });
  return add(g, [y, surveyShortcut(g, x, out)], {});
}

/** Fire: the squeeze is a quarter of the output, one normalisation and ReLU after the concatenation. */
export function surveyFire(g: Scope, x: Value, { out }: { out: number }): Value {
  needWhole(g, "channels of the survey's Fire", out, { least: 4 });
  const half = Math.floor(out / 2);
  const s = vanillaConv(g.scope("squeeze"), x, { ...pointwise, out: Math.floor(out / 4) });
  const e1 = convolution(g.scope("expand1x1"), s, { out: half, kernel: 1, hasBias: true });
  const e3 = convolution(g.scope("expand3x3"), s, { out: out - half, kernel: 3, hasBias: true });
  return relu(g, [normalisation(g.scope("tail.0"), concat(g, [e1, e3], { axis: 1 }))], {});
}

/** ShuffleNetv2: the first half passes (through a 1×1 convolution where the widths differ), the second is filtered, then both are shuffled. */
export function surveyShuffleUnit(g: Scope, x: Value, { out }: { out: number }): Value {
  needMultiple(g, "input channels of the survey's ShuffleNetv2", channels(x), 2);
  needMultiple(g, "channels of the survey's ShuffleNetv2", out, 2);
  const [half, halfOut] = [channels(x) / 2, out / 2];
  const first = slice(g, [x], { start: 0, length: half, axis: 1 });
  let y = slice(g, [x], { start: half, length: half, axis: 1 });
  y = vanillaConv(g.scope("block.0"), y, { ...pointwise, out: half });
  y = depthwise(g.scope("block.1"), y, { act: "identity" });
  y = vanillaConv(g.scope("block.2"), y, { ...pointwise, out: halfOut });
  return channelShuffle(g, [concat(g, [surveyShortcut(g, first, halfOut), y], { axis: 1 })], { groups: 2 });
}
