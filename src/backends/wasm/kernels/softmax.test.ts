import { test } from "node:test";
import type { Shape } from "../../../core/shape.ts";
import { ops } from "../../../ops/index.ts";
import { assertAgreement } from "./agreement.testing.ts";

const shapes: readonly Shape[] = [
  [1, 1],
  [3, 2],
  [64, 10],
  [5, 1000],
  [2, 131],
];

/** Rows of target probabilities, of which some do not add up to 1. */
function targets([n, classes]: Shape): Float32Array {
  return Float32Array.from({ length: n * classes }, (_, i) => ((i * 31) % 11) / (5 * classes));
}

const spread = (shape: Shape): Float32Array => Float32Array.from({ length: shape[0] * shape[1] }, (_, i) => 40 * Math.sin(i * 1.7));

for (const shape of shapes) {
  test(`softmax and cross-entropy of ${shape.join("×")} agree with the reference`, async () => {
    await assertAgreement(ops.softmax, [shape], {});
    await assertAgreement(ops.softmax, [shape], {}, { operand: (_i, s) => spread(s) });
    await assertAgreement(ops.softmaxGradient, [shape, shape], {}, { tolerance: 1e-5 });
    for (const smoothing of [0, 0.1]) {
      const operand = (i: number, s: Shape): Float32Array | undefined => (i === 1 ? targets(s) : undefined);
      await assertAgreement(ops.softmaxCrossEntropy, [shape, shape], { smoothing }, { operand });
      await assertAgreement(ops.softmaxCrossEntropyGradient, [shape, shape, []], { smoothing }, { operand });
    }
  });
}
