import { channels, type Value } from "../ir/graph.ts";
import type { Scope } from "../ir/scope.ts";
import { add } from "../ops/add.ts";
import type { Activation } from "./activation.ts";
import { convNormActivation } from "./convNormActivation.ts";
import { invertedResidual } from "./invertedResidual.ts";
import type { Normalisation } from "./layers.ts";
import type { Padding } from "./padding.ts";
import { residual } from "./residual.ts";
import { squeezeExcitation } from "./squeezeExcitation.ts";
import { surveyShortcut, surveySqueezeExcitation } from "./survey.ts";
import { vanillaConv } from "./vanillaConv.ts";

/** `expand` times the input's channels are filtered and projected to `out`; attention squeezes to a share of the input's channels. */
export interface MbConv {
  readonly out: number;
  readonly expand: number;
  readonly kernel?: number;
  readonly stride?: number;
  readonly act?: Activation;
  /** Squeezed channels as a share of the block's input (not of the expanded channels); 0 leaves attention out. */
  readonly squeezeRatio?: number;
  readonly norm?: Normalisation;
  readonly padding?: Padding;
  readonly dropRate?: number;
}

const attention = (inputs: number, ratio: number, act: Activation) =>
  ratio === 0 ? undefined : { squeeze: Math.max(1, Math.floor(inputs * ratio)), act, gate: "sigmoid" as const };

/** An inverted residual with SiLU and attention by sigmoid gates. EfficientNet, arXiv 1905.11946, table 1. */
export function mbConv(g: Scope, x: Value, { expand, squeezeRatio = 0.25, act = "silu", ...options }: MbConv): Value {
  const hidden = Math.round(expand * channels(x));
  return invertedResidual(g, x, { ...options, hidden, act, squeeze: attention(channels(x), squeezeRatio, act) });
}

/**
 * MBConv whose expansion and depthwise filter are one ordinary convolution; where nothing expands, that convolution is all, with its activation.
 * EfficientNetV2, arXiv 2104.00298, fig. 2.
 */
export function fusedMbConv(g: Scope, x: Value, { expand, squeezeRatio = 0, act = "silu", dropRate, ...options }: MbConv): Value {
  const { out, kernel = 3, stride = 1, ...shared } = options;
  const hidden = Math.round(expand * channels(x));
  const isSingle = hidden === channels(x);
  let index = 0;
  const next = (): Scope => g.scope(`block.${index++}`);
  let y = convNormActivation(next(), x, { ...shared, out: isSingle ? out : hidden, kernel, stride, act });
  const squeeze = attention(channels(x), squeezeRatio, act);
  if (squeeze) y = squeezeExcitation(next(), y, squeeze);
  if (!isSingle) y = convNormActivation(next(), y, { ...shared, out, kernel: 1, act: "identity" });
  return residual(g, x, y, { stride, dropRate });
}

/** The survey's Fused-MBConv: t is `expansion`; the projection has a ReLU in the code and none in the docstring. */
export interface SurveyFusedMbConv {
  readonly out: number;
  readonly expansion?: number;
  readonly projection?: Activation;
  /** Of the SELayer; it can be no more than the expanded channels. */
  readonly reduction?: number;
}

/** Fused-MBConv of the survey: ReLU, its SELayer, a projected shortcut. */
export function surveyFusedMbConv(g: Scope, x: Value, { out, expansion = 4, projection = "relu", reduction }: SurveyFusedMbConv): Value {
  let y = vanillaConv(g.scope("block.0"), x, { out: expansion * channels(x) });
  y = surveySqueezeExcitation(g.scope("block.1"), y, { reduction });
  y = vanillaConv(g.scope("block.2"), y, { out, kernel: 1, padding: 0, act: projection });
  return add(g, [y, surveyShortcut(g, x, out)], {});
}
