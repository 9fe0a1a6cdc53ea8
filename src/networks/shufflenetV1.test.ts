import assert from "node:assert/strict";
import { test } from "node:test";
import { OptionError } from "../core/errors.ts";
import { buildNetwork, networks } from "./index.ts";
import { count } from "./networks.testing.ts";
import { isLegalWidth, nearestLegalWidth } from "./shufflenetV1.ts";

/** Counted on pytorchcv (the paper's convention, a bias in the classifier) and on megvii's code. */
const rows: readonly (readonly [groups: number, width: number, variant: string, params: number, macs: number])[] = [
  [1, 1, "paper", 1_531_936, 143_078_976],
  [2, 1, "paper", 1_733_848, 140_836_512],
  [3, 1, "paper", 1_865_728, 137_460_672],
  [3, 1, "megvii", 1_864_728, 137_460_672],
  [4, 1, "paper", 1_968_344, 134_339_776],
  [8, 1, "paper", 2_434_768, 138_365_952],
  [8, 1, "megvii", 2_433_768, 138_365_952],
  [1, 0.5, "paper", 534_484, 38_517_408],
  [3, 0.5, "paper", 718_324, 37_589_856],
  [3, 0.5, "megvii", 717_324, 37_589_856],
  [8, 0.5, "megvii", 1_010_448, 40_469_760],
  [1, 0.25, "paper", 209_746, 11_003_184],
  [3, 0.25, "paper", 305_902, 11_009_808],
  [3, 1.5, "megvii", 3_441_168, 292_443_552],
  [8, 1.5, "megvii", 4_268_952, 290_188_800],
  [3, 2, "megvii", 5_449_776, 524_045_184],
  [8, 2, "megvii", 6_521_232, 521_942_016],
];

for (const [groups, width, variant, params, macs] of rows) {
  test(`ShuffleNetV1 ${width}x, ${groups} groups, ${variant}, has exactly ${params} parameters and ${macs} MACs`, () => {
    assert.deepEqual(count(buildNetwork(`shufflenet-v1-g${groups}`, { width, variant })), { params, macs });
  });
}

test("widths of the paper's table 2 that have no counts are listed with the reason", () => {
  for (const groups of [2, 4] as const) {
    const listed = networks[`shufflenet-v1-g${groups}`].unreproduced?.filter(({ what }) => what.startsWith("width"));
    assert.deepEqual(
      listed?.map(({ what }) => what.slice(0, 10)),
      ["width 0.5 ", "width 0.25"],
    );
    for (const width of [0.5, 0.25]) assert.equal(isLegalWidth(groups, width), false);
  }
});

test("legal widths leave whole channels and whole shares of the groups", () => {
  const stage2 = { 1: 144, 2: 200, 3: 240, 4: 272, 8: 384 } as const;
  for (const groups of [1, 2, 3, 4, 8] as const) {
    for (const width of [0.05, 0.13, 0.3, 0.5, 1, 1.77, 8]) {
      const legal = nearestLegalWidth(groups, width);
      assert.ok(legal >= 0.05 && legal <= 8 + 1e-9 && isLegalWidth(groups, legal));
      const bottleneck = (stage2[groups] * legal) / 4;
      assert.ok(Math.abs(bottleneck / groups - Math.round(bottleneck / groups)) < 1e-9, `${groups} groups, ${width}`);
    }
    assert.ok(isLegalWidth(groups, 1) && isLegalWidth(groups, 2));
  }
});

test("an illegal width is refused with the nearest legal one, which is then taken as printed", () => {
  for (const [groups, width, remedy] of [
    [2, 0.5, "0.52"],
    [4, 0.5, "0.5294"],
    [8, 0.3, "0.3333"],
  ] as const) {
    const name = `shufflenet-v1-g${groups}`;
    const isNamed = (error: unknown): boolean => error instanceof OptionError && error.message.endsWith(`nearest legal value ${remedy}`);
    assert.throws(() => buildNetwork(name, { width, size: 64 }), isNamed);
    assert.ok(buildNetwork(name, { width: Number(remedy), size: 64 }).nodes.length > 0);
  }
});

test("the two conventions shuffle by inverse permutations, at different places", () => {
  const shuffles = (variant: string): unknown[] =>
    buildNetwork("shufflenet-v1-g3", { variant, size: 64 })
      .nodes.filter(({ op, scope }) => op.name === "channelShuffle" && scope === "features.stage1.unit2")
      .map(({ attrs, inputs }) => ({ attrs, behind: inputs[0].producer?.op.name }));
  assert.deepEqual(shuffles("paper"), [{ attrs: { groups: 3 }, behind: "relu" }]);
  assert.deepEqual(shuffles("megvii"), [{ attrs: { groups: 20 }, behind: "batchNorm" }]);
});
