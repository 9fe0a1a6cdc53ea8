import assert from "node:assert/strict";
import { test } from "node:test";
import type { Shape } from "../../../core/shape.ts";
import { type ReferenceTensor, tensor } from "../../../core/tensor.ts";
import { graphScope } from "../../../ir/scope.ts";
import { ops } from "../../../ops/index.ts";
import type { Window } from "../../../ops/window.ts";
import { evaluate } from "../../reference/index.ts";
import { wasmBackend } from "../index.ts";
import { assertAgreement } from "./agreement.testing.ts";

const windows: readonly (Window & { readonly x: Shape })[] = [
  { x: [2, 5, 7, 6], kernel: [2, 2], stride: [2, 2], padding: [0, 0, 0, 0] },
  { x: [1, 6, 8, 9], kernel: [3, 3], stride: [2, 2], padding: [1, 1, 1, 1] },
  { x: [1, 4, 5, 8], kernel: [3, 2], stride: [1, 3], padding: [2, 0, 1, 1] },
  { x: [1, 3, 9, 10], kernel: [6, 7], stride: [2, 1], padding: [3, 2, 0, 6] },
  { x: [3, 9, 4, 4], kernel: [4, 4], stride: [1, 1], padding: [0, 0, 0, 0] },
];

for (const { x, ...window } of windows) {
  test(`pooling ${x.join("×")} ${JSON.stringify(window)} agrees with the reference`, async () => {
    for (const isCeil of [false, true]) await assertAgreement(ops.maxPool, [x], { ...window, isCeil });
    for (const countsPadding of [false, true]) await assertAgreement(ops.averagePool, [x], { ...window, countsPadding });
  });
}

test("padding never wins a maximum of negative pixels", async () => {
  const operand = (_: number, shape: Shape): Float32Array => new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(-3);
  const attrs = { kernel: [3, 3], stride: [1, 1], padding: [1, 1, 1, 1], isCeil: false };
  await assertAgreement(ops.maxPool, [[1, 5, 4, 4]], attrs, { operand });
});

test("a window that holds a NaN gives a NaN, others their maximum", async () => {
  const x = tensor(
    [1, 5, 4, 4],
    Float32Array.from({ length: 80 }, (_, i) => (i % 13 === 0 ? Number.NaN : i % 5 ? i : Number.NEGATIVE_INFINITY)),
  );
  for (const kernel of [2, 6]) {
    const half = kernel >> 1;
    const g = graphScope();
    const attrs = { kernel: [kernel, kernel], stride: [1, 1], padding: [half, half, half, half], isCeil: false } as const;
    g.output("y", ops.maxPool(g, [g.input("x", x.shape)], attrs));
    const graph = g.finish();
    using session = await wasmBackend.open(graph, new Map());
    const expected = evaluate(graph, new Map(), new Map([["x", x]])).get("y") as ReferenceTensor;
    assert.deepEqual([...session.run({ x }).y.data], [...expected.data]);
  }
});

test("the mean over the image agrees for every number of channels", async () => {
  for (const channels of [1, 4, 15, 16, 17, 40]) await assertAgreement(ops.globalAveragePool, [[2, channels, 5, 3]], {});
});
