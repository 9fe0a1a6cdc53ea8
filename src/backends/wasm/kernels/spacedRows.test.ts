import { test } from "node:test";
import { ops } from "../../../ops/index.ts";
import { assertAgreement } from "./agreement.testing.ts";

const attrs = { stride: [1, 1], padding: [0, 0, 0, 0], groups: 1, similarity: "product" } as const;

test("products over rows that alias in the cache agree with the reference", async () => {
  const [narrow, wide] = [
    [1, 40, 5, 7],
    [1, 512, 5, 7],
  ];
  await assertAgreement(ops.conv2d, [wide, [40, 512, 1, 1]], attrs);
  await assertAgreement(ops.conv2dInputGradient, [wide, [512, 40, 1, 1]], { ...attrs, inputShape: narrow });
  await assertAgreement(
    ops.linear,
    [
      [19, 1024],
      [33, 1024],
    ],
    {},
  );
  await assertAgreement(
    ops.linearInputGradient,
    [
      [19, 1024],
      [1024, 33],
    ],
    {},
  );
});
