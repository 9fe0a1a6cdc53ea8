import type { Linear } from "../../../ops/linear.ts";
import type { Lower } from "../kernel.ts";
import { pad4, stridesOf } from "../layout.ts";
import { type PanelSource, packed, packPanelSteps, panelFloats } from "./pack.ts";
import { spacedGemmSteps } from "./spacedRows.ts";

export const linearInputGradient: Lower = (node, context) => {
  const [dy, weight] = node.inputs;
  if (((node.attrs as Linear).similarity ?? "product") !== "product") return undefined;
  const [outputs, n] = weight.shape;
  const [channelStep, outStep] = stridesOf(weight.shape, context.isWeight(weight) ? "weight" : "activation");
  const one = { rows: 1, columns: 1, rowStep: 0, columnStep: 0 };
  const panels: PanelSource = { source: context.at(weight), n, channels: outputs, run: outputs, outStep, channelStep, ...one };
  const weights = packed(context, "turned panels", weight, panelFloats(panels), (target) => packPanelSteps(target, panels));
  const [a, y] = [context.at(dy), context.at(node.outputs[0])];
  const product = spacedGemmSteps(context, {
    a,
    rows: dy.shape[0],
    lda: pad4(outputs),
    k: outputs,
    packed: weights.at,
    n,
    y,
    ldy: pad4(n),
  });
  return [...weights.steps, ...product];
};
