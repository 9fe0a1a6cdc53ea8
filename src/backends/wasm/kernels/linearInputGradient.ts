import type { Linear } from "../../../ops/linear.ts";
import type { Lower } from "../kernel.ts";
import { pad4, stridesOf } from "../layout.ts";
import { featureOperand, packedFor, spoilSteps, weightFlags } from "./operands.ts";
import { type PanelSource, packPanelSteps, panelFloats } from "./pack.ts";
import { spacedGemmSteps } from "./spacedRows.ts";
import { gradientTaps } from "./taps.ts";

export const linearInputGradient: Lower = (node, context) => {
  const [dy, weight, x] = node.inputs;
  const { input: tap } = gradientTaps(node.attrs as Linear);
  const [outputs, n] = weight.shape;
  const [channelStep, outStep] = stridesOf(weight.shape, context.isWeight(weight) ? "weight" : "activation");
  const one = { rows: 1, columns: 1, rowStep: 0, columnStep: 0 };
  const panels: PanelSource = { source: context.at(weight), n, channels: outputs, run: outputs, outStep, channelStep, ...one };
  const weights = packedFor(tap, context, "turned panels", weight, panelFloats(panels), (target) => packPanelSteps(target, panels));
  const a = featureOperand(dy, tap.a, context);
  const flags = weightFlags(tap, weight, context);
  const sizes = { rows: dy.shape[0], lda: pad4(outputs), k: outputs, n, ldy: pad4(n) };
  const y = context.at(node.outputs[0]);
  return [
    ...weights.steps,
    ...a.steps,
    ...flags.steps,
    ...spacedGemmSteps(context, { tap, a: a.at, ...sizes, packed: weights.at, own: x && context.at(x), y }),
    ...spoilSteps(node.outputs[0], [...a.flags, ...flags.flags], context),
  ];
};
