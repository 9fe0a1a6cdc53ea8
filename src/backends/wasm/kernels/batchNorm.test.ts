import { test } from "node:test";
import type { Shape } from "../../../core/shape.ts";
import { ops } from "../../../ops/index.ts";
import { assertAgreement } from "./agreement.testing.ts";

const shapes: readonly Shape[] = [
  [2, 3, 5, 7],
  [1, 1, 9, 3],
  [3, 58, 6, 5],
  [5, 17],
  [2, 24, 33, 31],
  [2, 300, 4, 5],
];

/** Variances must be positive, and a mean far from zero shows cancellation. */
function statistics(varianceAt: number): (index: number, shape: Shape) => Float32Array | undefined {
  return (index, shape) => (index === varianceAt ? Float32Array.from({ length: shape[0] }, (_, i) => 0.1 + (i % 7)) : undefined);
}

for (const shape of shapes) {
  const c = [shape[1]];
  test(`normalisation of ${shape.join("×")} and its gradients agree with the reference`, async () => {
    await assertAgreement(ops.batchNorm, [shape, c, c, c, c], { eps: 1e-5 }, { operand: statistics(4) });
    await assertAgreement(ops.batchNormEvalGradient, [shape, c, c, c, shape], { eps: 1e-5 }, { operand: statistics(3) });
    await assertAgreement(ops.batchNormTrain, [shape, c, c, c, c, []], { eps: 1e-5, momentum: 0.1 }, { operand: statistics(4) });
    await assertAgreement(ops.batchNormGradient, [shape, c, c, c, shape], {}, { operand: statistics(3) });
    await assertAgreement(ops.channelSum, [shape], {});
    await assertAgreement(ops.normScale, [c, c], { eps: 1e-5 }, { operand: statistics(1) });
  });
}

test("an activation can follow normalisation in the same pass", async () => {
  const c = [22];
  const operand = statistics(4);
  await assertAgreement(ops.batchNorm, [[2, 22, 5, 5], c, c, c, c], { eps: 1e-5 }, { operand, epilogue: [ops.relu6] });
  await assertAgreement(
    ops.batchNormTrain,
    [[2, 22, 5, 5], c, c, c, c, []],
    { eps: 1e-5, momentum: 0.1 },
    { operand, epilogue: [ops.hardSwish] },
  );
});

test("the variance keeps its digits where the mean is a thousand times the deviation", async () => {
  const shape = [4, 6, 40, 40];
  const operand = (index: number, [n, ch = 1, h = 1, w = 1]: Shape): Float32Array | undefined =>
    index === 0 ? Float32Array.from({ length: n * ch * h * w }, (_, i) => 1000 + Math.sin(i * 12.9898)) : undefined;
  await assertAgreement(ops.batchNormTrain, [shape, [6], [6], [6], [6], []], { eps: 1e-5, momentum: 0.1 }, { operand, tolerance: 2e-4 });
});
