import { test } from "node:test";
import type { Shape } from "../../../core/shape.ts";
import { ops } from "../../../ops/index.ts";
import { assertAgreement } from "./agreement.testing.ts";

const shapes: readonly Shape[] = [[5], [7, 3], [3, 5, 3, 3], [40, 1, 40, 41]];

/** Scalars by operand index; states listed in `positive` must not be negative. */
function operands(
  scalars: Readonly<Record<number, number>>,
  positive: readonly number[] = [],
): (i: number, shape: Shape) => Float32Array | undefined {
  return (i, shape) => {
    if (i in scalars) return Float32Array.of(scalars[i]);
    if (!positive.includes(i)) return undefined;
    return Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, j) => 0.01 + (j % 13) / 7);
  };
}

for (const p of shapes) {
  test(`optimiser steps of ${p.join("×")} agree with the reference`, async () => {
    for (const { weightDecay, scale } of [
      { weightDecay: 0, scale: 1 },
      { weightDecay: 0.01, scale: 0.25 },
      { weightDecay: 0.01, scale: 0 },
    ]) {
      for (const nesterov of [false, true]) {
        await assertAgreement(
          ops.sgd,
          [p, p, p, [], []],
          { momentum: 0.9, nesterov, weightDecay },
          { operand: operands({ 3: 0.1, 4: scale }) },
        );
      }
      const rms = { decay: 0.9, eps: 1e-3, momentum: 0.9, weightDecay };
      await assertAgreement(ops.rmsprop, [p, p, p, p, [], []], rms, { operand: operands({ 4: 0.05, 5: scale }, [2]) });
      const adam = { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay };
      const rates = { 4: 0.002, 5: 37, 6: scale };
      await assertAgreement(ops.adamw, [p, p, p, p, [], [], []], adam, { operand: operands(rates, [3]) });
    }
    await assertAgreement(ops.ema, [p, p, []], {}, { operand: operands({ 2: 0.999 }) });
  });
}

test("a gradient that is not a number leaves everything as it was when the scale is 0", async () => {
  const operand = (i: number, shape: Shape): Float32Array | undefined =>
    i === 1 ? new Float32Array(shape[0]).fill(Number.NaN) : operands({ 3: 0.1, 4: 0 })(i, shape);
  await assertAgreement(ops.sgd, [[9], [9], [9], [], []], { momentum: 0.9, nesterov: false, weightDecay: 0.1 }, { operand });
});

test("norms of gradients of any shape agree, and clip", async () => {
  await assertAgreement(ops.gradientNorms, [[1], [5], [3, 7], [6, 5, 3, 3], [300, 130]], {});
  for (const maxNorm of [0, 1, 1e6]) {
    await assertAgreement(ops.clipScale, [[5]], { maxNorm }, { operand: (_i, [n]) => Float32Array.from({ length: n }, (_, i) => i * 3.7) });
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      await assertAgreement(ops.clipScale, [[2]], { maxNorm }, { operand: () => Float32Array.of(1, bad) });
    }
  }
});
