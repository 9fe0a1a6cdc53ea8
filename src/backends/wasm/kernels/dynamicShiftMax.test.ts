import { test } from "node:test";
import { ops } from "../../../ops/index.ts";
import { assertAgreement } from "./agreement.testing.ts";

/** Channels in groups of whole vectors, of parts of vectors, and of one channel. */
const layers = [
  { x: [3, 64, 29, 31], groups: 16 },
  { x: [2, 128, 14, 14], groups: 8 },
  { x: [2, 36, 40, 11], groups: 6 },
  { x: [5, 10, 33, 9], groups: 10 },
] as const;

for (const { x, groups } of layers) {
  for (const init of [
    [1, 0],
    [1, 0.5, 0, 0.5],
  ]) {
    const attrs = { groups, range: 2, init };
    const gates = [x[0], init.length * x[1]];
    test(`shift-max of ${init.length / 2} over ${x.join("×")} in ${groups} groups, on any number of threads`, () =>
      assertAgreement(ops.dynamicShiftMax, [x, gates], attrs, { epilogue: [ops.relu6] }));
    test(`gradient of shift-max of ${init.length / 2} over ${x.join("×")} in ${groups} groups, on any number of threads`, () =>
      assertAgreement(ops.dynamicShiftMaxGradient, [x, gates, x], attrs));
  }
}
