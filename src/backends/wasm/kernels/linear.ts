/** The fully connected layer: a matrix product over the batch, a matrix–vector product for one image. */
import type { Linear } from "../../../ops/linear.ts";
import { epilogueOf } from "../epilogue.ts";
import type { Lower } from "../kernel.ts";
import { pad4, stridesOf } from "../layout.ts";
import { hasActivations } from "./activations.ts";
import { expressions } from "./expressions.ts";
import { gemvSteps, LEAST_INPUTS } from "./gemv.ts";
import { type PanelSource, packed, packPanelSteps, panelFloats } from "./pack.ts";
import { spacedGemmSteps } from "./spacedRows.ts";

/** Steps of a fully connected layer with the product as its similarity. */
export const linear: Lower = (node, context) => {
  const [x, weight, bias] = node.inputs;
  if (((node.attrs as Linear).similarity ?? "product") !== "product") return undefined;
  const { similarity = "product" } = node.attrs as { readonly similarity?: string };
  const epilogue = epilogueOf(node, context, expressions);
  if (similarity !== "product" || !epilogue || !hasActivations(node, context)) return undefined;
  const [rows, channels] = x.shape;
  const [n] = weight.shape;
  const [outStep, channelStep] = stridesOf(weight.shape, context.isWeight(weight) ? "weight" : "activation");
  const y = context.at(node.outputs[0]);
  if (rows === 1 && channels >= LEAST_INPUTS && channelStep === 1) {
    const weights = { weight: context.at(weight), rowStep: outStep };
    return gemvSteps({ x: context.at(x), ...weights, k: channels, n, bias: bias && context.at(bias), y, epilogue });
  }
  const panels: PanelSource = {
    source: context.at(weight),
    n,
    rows: 1,
    columns: 1,
    channels,
    run: channels,
    outStep,
    rowStep: 0,
    columnStep: 0,
    channelStep,
  };
  const weights = packed(context, "panels", weight, panelFloats(panels), (target) => packPanelSteps(target, panels));
  const product = spacedGemmSteps(context, {
    a: context.at(x),
    rows,
    lda: pad4(channels),
    k: channels,
    packed: weights.at,
    n,
    bias: bias && context.at(bias),
    y,
    ldy: pad4(n),
    epilogue,
  });
  return [...weights.steps, ...product];
};
