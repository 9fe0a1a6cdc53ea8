import assert from "node:assert/strict";
import { test } from "node:test";
import type { Shape } from "../../../core/shape.ts";
import { graphScope } from "../../../ir/scope.ts";
import { convolvedShape } from "../../../ops/convolution.ts";
import { ops } from "../../../ops/index.ts";
import { type Similar, similarityGradient } from "../../../ops/similarity.ts";
import { wasmBackend } from "../index.ts";
import { assertAgreement } from "./agreement.testing.ts";
import { type ConvolutionCase, convolutionCases } from "./convolutionCases.testing.ts";

const similarities: readonly Similar[] = [{ similarity: "l1" }, { similarity: "mitchell" }, { similarity: "mitchell", gradient: "exact" }];

const of = (x: Shape, weight: Shape, stride: number, padding: number, groups = 1): ConvolutionCase => {
  return { x, weight, stride: [stride, stride], padding: [padding, padding, padding, padding], groups };
};

/** Beside the convolutions of every kind: groups of whole panels, groups that share one, many pixels. */
const all: readonly ConvolutionCase[] = [
  ...convolutionCases,
  of([1, 32, 6, 6], [16, 16, 3, 3], 1, 1, 2),
  of([2, 12, 5, 5], [36, 4, 3, 3], 1, 1, 3),
  of([1, 16, 15, 15], [24, 16, 3, 3], 1, 1),
];

for (const similar of similarities) {
  const name = `${similar.similarity}${similar.gradient ? ` (${similar.gradient})` : ""}`;
  test(`${name}: convolutions of every kind and their gradients agree with the reference`, async () => {
    for (const { x, weight, ...window } of all) {
      const attrs = { ...window, ...similar };
      const y = convolvedShape(x, weight, attrs);
      const { isBilinear } = similarityGradient(attrs);
      if (!similar.gradient)
        await assertAgreement(ops.conv2d, [x, weight, [weight[0]]], attrs, { epilogue: [ops.hardSwish], tolerance: 5e-6 });
      const toInput = isBilinear ? [y, weight] : [y, weight, x];
      await assertAgreement(ops.conv2dInputGradient, toInput, { ...attrs, inputShape: x }, { tolerance: 1e-5 });
      const toWeight = isBilinear ? [x, y] : [x, y, weight];
      await assertAgreement(ops.conv2dWeightGradient, toWeight, { ...attrs, weightShape: weight }, { tolerance: 1e-5 });
    }
  });

  test(`${name}: fully connected layers and their gradients agree with the reference`, async () => {
    for (const [rows, inner, out] of [
      [1, 5, 3],
      [2, 33, 10],
      [70, 64, 65],
    ]) {
      const { isBilinear } = similarityGradient(similar);
      const [x, w, y] = [
        [rows, inner],
        [out, inner],
        [rows, out],
      ];
      await assertAgreement(ops.linear, [x, w, [out]], similar, { tolerance: 1e-5 });
      await assertAgreement(ops.linearInputGradient, isBilinear ? [y, w] : [y, w, x], similar, { tolerance: 1e-5 });
      await assertAgreement(ops.linearWeightGradient, isBilinear ? [x, y] : [x, y, w], similar, { tolerance: 1e-5 });
    }
  });
}

/** Outputs of a convolution on the engine, whatever its operands hold. */
async function convolved(
  x: readonly number[],
  weight: readonly number[],
  similarity: Similar["similarity"],
  groups = 1,
): Promise<Float32Array> {
  const g = graphScope();
  const [channels, inner] = [x.length, x.length / groups];
  const shape = [weight.length / inner, inner, 1, 1];
  const leaves = [g.input("x", [1, channels, 1, 1]), g.parameter("w", shape, { kind: "constant", value: 0 })];
  g.output("y", ops.conv2d(g, leaves, { stride: [1, 1], padding: [0, 0, 0, 0], groups, similarity }));
  const weights = new Map([["w", { shape, data: Float32Array.from(weight) }]]);
  using session = await wasmBackend.open(g.finish(), weights);
  return session.run({ x: { shape: [1, channels, 1, 1], data: Float32Array.from(x) } }).y.data;
}

test("distances much smaller than their operands lose no digits", async () => {
  const x = Array.from({ length: 500 }, (_, i) => 4096 + i / 1024);
  const [y] = await convolved(
    x,
    x.map((each) => each + 1 / 512),
    "l1",
  );
  assert.equal(y, -500 / 512);
});

test("zeros in Mitchell's products leave other products as they are, to the last bit", async () => {
  const [sum, nothing] = await convolved([0, 3, 0, 0, -0], [5, 5, 0, 1e5, -7, 0, 0, 0, 0, 0], "mitchell");
  assert.equal(sum, 14);
  // Zeros count as 2⁻⁶³: a sum of nothing else is not quite 0.
  assert.ok(Math.abs(nothing) < 1e-17);
  assert.equal((await convolved([1e-30, 1e-30, 3], [1e-30, 1, 5], "mitchell"))[0], 14);
});

test("a NaN or an infinity among the operands of Mitchell's products makes every output NaN", async () => {
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    for (const groups of [1, 4]) {
      assert.ok((await convolved([1, bad, 2, 3], [1, 2, 3, 4], "mitchell", groups)).every(Number.isNaN));
      assert.ok((await convolved([1, 4, 2, 3], [1, 2, bad, 4], "mitchell", groups)).every(Number.isNaN));
    }
  }
});

test("a NaN in a distance stays one, where it is", async () => {
  const y = await convolved([1, Number.NaN, 2, 3], [1, 2, 3, 4], "l1", 4);
  assert.deepEqual([...y], [0, Number.NaN, -1, -1]);
});
