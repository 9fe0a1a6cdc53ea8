import { test } from "node:test";
import { ops } from "../../../ops/index.ts";
import { assertAgreement } from "./agreement.testing.ts";

for (const rows of [1, 2, 9]) {
  test(`a fully connected layer on ${rows} rows agrees with the reference`, async () => {
    for (const [inner, out] of [
      [1, 1],
      [1, 17],
      [3, 5],
      [5, 1],
      [33, 10],
      [130, 66],
      [512, 515],
    ]) {
      const shapes = [[rows, inner], [out, inner], [out]];
      await assertAgreement(ops.linear, shapes, {});
      await assertAgreement(ops.linear, shapes.slice(0, 2), {}, { epilogue: [ops.relu] });
    }
  });
}
