/** The fully connected layer: a matrix product over the batch, a matrix–vector product for one image. */
import type { Linear } from "../../../ops/linear.ts";
import { epilogueOf } from "../epilogue.ts";
import type { Lower } from "../kernel.ts";
import { pad4, stridesOf } from "../layout.ts";
import { hasActivations } from "./activations.ts";
import { expressions } from "./expressions.ts";
import { gemvSteps, LEAST_INPUTS } from "./gemv.ts";
import { featureOperand, packedFor, spoilSteps, weightFlags } from "./operands.ts";
import { type PanelSource, packPanelSteps, panelFloats } from "./pack.ts";
import { spacedGemmSteps } from "./spacedRows.ts";
import { forwardTap } from "./taps.ts";

/** Steps of a fully connected layer, whatever its similarity. */
export const linear: Lower = (node, context) => {
  const [x, weight, bias] = node.inputs;
  const tap = forwardTap(node.attrs as Linear);
  const epilogue = epilogueOf(node, context, expressions);
  if (!epilogue || !hasActivations(node, context)) return undefined;
  const [rows, channels] = x.shape;
  const [n] = weight.shape;
  const [outStep, channelStep] = stridesOf(weight.shape, context.isWeight(weight) ? "weight" : "activation");
  const y = context.at(node.outputs[0]);
  if (tap.isProduct && rows === 1 && channels >= LEAST_INPUTS && channelStep === 1) {
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
  const weights = packedFor(tap, context, "panels", weight, panelFloats(panels), (target) => packPanelSteps(target, panels));
  const features = featureOperand(x, tap.a, context);
  const flags = weightFlags(tap, weight, context);
  const product = spacedGemmSteps(context, {
    tap,
    a: features.at,
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
  const spoilt = spoilSteps(node.outputs[0], [...features.flags, ...flags.flags], context);
  return [...weights.steps, ...features.steps, ...flags.steps, ...product, ...spoilt];
};
