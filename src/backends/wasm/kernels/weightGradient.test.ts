import { test } from "node:test";
import { convolvedShape } from "../../../ops/convolution.ts";
import { ops } from "../../../ops/index.ts";
import { assertAgreement } from "./agreement.testing.ts";
import { convolutionCases } from "./convolutionCases.testing.ts";

for (const { x, weight, stride, padding, groups } of convolutionCases) {
  const attrs = { stride, padding, groups, similarity: "product" } as const;
  test(`the weight gradient of ${x.join("×")} * ${weight.join("×")} ${JSON.stringify({ stride, padding, groups })} agrees`, async () => {
    await assertAgreement(
      ops.conv2dWeightGradient,
      [x, convolvedShape(x, weight, attrs)],
      { ...attrs, weightShape: weight },
      { tolerance: 1e-5 },
    );
  });
}

test("the weight gradient of a fully connected layer agrees", async () => {
  for (const [n, inner, out] of [
    [1, 1, 1],
    [3, 5, 7],
    [64, 130, 10],
    [70, 33, 65],
    [130, 40, 1024],
  ]) {
    await assertAgreement(
      ops.linearWeightGradient,
      [
        [n, inner],
        [n, out],
      ],
      {},
    );
  }
});
