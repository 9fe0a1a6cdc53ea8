import type { Linear } from "../../../ops/linear.ts";
import type { Lower } from "../kernel.ts";
import { pad4 } from "../layout.ts";
import { featureOperand, spoilSteps } from "./operands.ts";
import { outerSumSteps } from "./outerSums.ts";
import { subtractScaledSteps } from "./subtractScaled.ts";
import { gradientTaps } from "./taps.ts";

export const linearWeightGradient: Lower = (node, context) => {
  const [x, dy, weight] = node.inputs;
  const { weight: tap, isWeightSubtracted } = gradientTaps(node.attrs as Linear);
  if (weight && !context.isWeight(weight)) return undefined;
  const [rows, n] = x.shape;
  const m = dy.shape[1];
  const [a, b] = [featureOperand(dy, tap.a, context), featureOperand(x, tap.b, context)];
  const c = context.at(node.outputs[0]);
  const own = tap.hasOwn ? context.at(weight) : undefined;
  return [
    ...a.steps,
    ...b.steps,
    ...outerSumSteps({ tap, a: a.at, lda: pad4(m), b: b.at, ldb: pad4(n), rows, groups: 1, m, n, c, own }, context),
    ...(isWeightSubtracted ? subtractScaledSteps(c, weight, dy, context) : []),
    ...spoilSteps(node.outputs[0], [...a.flags, ...b.flags], context),
  ];
};
