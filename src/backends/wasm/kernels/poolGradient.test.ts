import { test } from "node:test";
import type { Shape } from "../../../core/shape.ts";
import { ops } from "../../../ops/index.ts";
import type { Extent2, Padding } from "../../../ops/window.ts";
import { assertAgreement } from "./agreement.testing.ts";

interface Case {
  readonly x: Shape;
  readonly kernel: Extent2;
  readonly stride: Extent2;
  readonly padding: Padding;
  readonly isCeil: boolean;
}

const cases: readonly Case[] = [
  { x: [2, 3, 7, 9], kernel: [3, 3], stride: [2, 2], padding: [1, 1, 1, 1], isCeil: false },
  { x: [1, 58, 8, 8], kernel: [3, 3], stride: [2, 2], padding: [0, 0, 0, 0], isCeil: true },
  { x: [3, 5, 6, 5], kernel: [2, 3], stride: [1, 2], padding: [0, 1, 2, 0], isCeil: false },
  { x: [1, 1, 5, 5], kernel: [5, 5], stride: [1, 1], padding: [2, 2, 2, 2], isCeil: false },
  { x: [1, 20, 4, 4], kernel: [2, 2], stride: [3, 3], padding: [0, 0, 0, 0], isCeil: false },
];

/** Few distinct values, so that windows hold equal maxima. */
function stepped(shape: Shape): Float32Array {
  return Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => ((i * 7) % 5) - 2);
}

for (const { x, kernel, stride, padding, isCeil } of cases) {
  test(`gradients of ${kernel.join("×")} pools of ${x.join("×")} agree with the reference`, async () => {
    const maximum = { kernel, stride, padding, isCeil };
    const [[y], mean] = [ops.maxPool.shapes([x], maximum), { kernel, stride, padding }];
    await assertAgreement(ops.maxPoolGradient, [x, y, y], maximum);
    await assertAgreement(ops.maxPoolGradient, [x, y, y], maximum, { operand: (i, shape) => (i === 0 ? stepped(shape) : undefined) });
    const [floored] = ops.averagePool.shapes([x], { ...mean, countsPadding: true });
    for (const countsPadding of [true, false])
      await assertAgreement(ops.averagePoolGradient, [floored], { ...mean, countsPadding, inputShape: x });
    await assertAgreement(ops.globalAveragePoolGradient, [[x[0], x[1], 1, 1]], { inputShape: x });
  });
}
