import { test } from "node:test";
import { convolvedShape } from "../../../ops/convolution.ts";
import { ops } from "../../../ops/index.ts";
import { assertAgreement } from "./agreement.testing.ts";
import { convolutionCases } from "./convolutionCases.testing.ts";

for (const { x, weight, stride, padding, groups } of convolutionCases) {
  const attrs = { stride, padding, groups, similarity: "product" } as const;
  test(`the input gradient of ${x.join("×")} * ${weight.join("×")} ${JSON.stringify({ stride, padding, groups })} agrees`, async () => {
    await assertAgreement(ops.conv2dInputGradient, [convolvedShape(x, weight, attrs), weight], { ...attrs, inputShape: x });
  });
}

test("the input gradient of a fully connected layer agrees", async () => {
  for (const [n, inner, out] of [
    [1, 1, 1],
    [3, 5, 7],
    [64, 130, 10],
    [70, 33, 65],
  ]) {
    await assertAgreement(
      ops.linearInputGradient,
      [
        [n, out],
        [out, inner],
      ],
      {},
    );
  }
});
