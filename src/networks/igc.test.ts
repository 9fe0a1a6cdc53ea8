import assert from "node:assert/strict";
import { test } from "node:test";
import { OptionError } from "../core/errors.ts";
import { size } from "../core/shape.ts";
import { leavesOf } from "../ir/graph.ts";
import { blocksPerStage, igcv1Of } from "./igcv1.ts";
import { igcv2Of } from "./igcv2.ts";
import { buildNetwork, networks } from "./index.ts";
import { count } from "./networks.testing.ts";

/** Counted by replaying the authors' definitions (IGCV1), on the port (IGCV3), and on the fixtures' reading (IGCV2). */
const rows: readonly (readonly [name: string, variant: string, params: number, macs?: number])[] = [
  ["igcv1-plain", "L4M8-D8", 78_634, 13_141_248],
  ["igcv1-plain", "L4M8-D20", 277_546, 42_370_304],
  ["igcv1-plain", "L4M8-D38", 575_914, 86_213_888],
  ["igcv1-plain", "L4M8-D62", 973_738],
  ["igcv1-plain", "L4M8-D98", 1_570_474],
  ["igcv1-plain", "L24M2-D8", 48_442, 9_881_472],
  ["igcv1-plain", "L24M2-D20", 155_962, 28_755_840],
  ["igcv1-plain", "L24M2-D38", 317_242, 57_067_392],
  ["igcv1-plain", "L24M2-D62", 532_282, 94_816_128],
  ["igcv1-plain", "L24M2-D98", 854_842],
  ["igcv1-plain", "L48M1-D8", 50_746],
  ["igcv1-plain", "L48M1-D20", 154_234, 33_621_888],
  ["igcv1-plain", "L48M1-D38", 309_466],
  ["igcv1-plain", "L48M1-D62", 516_442],
  ["igcv1-plain", "L48M1-D98", 826_906],
  ["igcv1-plain", "L32M26-D20", 23_829_322, 3_698_426_368],
  ["igcv1-residual", "L24M2-D20", 164_410, 29_738_880],
  ["igcv1-residual", "L24M2-D50", 433_210, 76_924_800],
  ["igcv1-residual", "L24M2-D74", 648_250, 114_673_536],
  ["igcv1-residual", "L24M2-D98", 863_290, 152_422_272],
  ["igcv1-residual", "L4M8-D50", 778_538, 115_803_392],
  ["igcv1-residual", "L4M8-D74", 1_176_362],
  ["igcv1-residual", "L4M8-D98", 1_574_186],
  ["igcv1-imagenet", "L100M2", 8_637_900, 1_264_780_800],
  ["igcv1-imagenet", "L4M32", 12_251_240],
  ["igcv1-imagenet", "L16M16", 13_528_296],
  ["igcv2", "doubling", 95_434, 21_334_528],
  ["igcv2", "constant", 33_610, 14_672_512],
  ["igcv3", "paper", 3_491_688, 312_970_176],
  ["igcv3", "pytorch", 3_491_688, 312_970_176],
];

for (const [name, variant, params, macs] of rows) {
  test(`${name} ${variant} has exactly ${params} parameters${macs ? ` and ${macs} MACs` : ""}`, () => {
    const found = count(buildNetwork(name, { variant }));
    assert.deepEqual(found, { params, macs: macs ?? found.macs });
  });
}

test("CIFAR-100 adds 90 classifiers of the last stage's channels", () => {
  const params = (classes: number): number => count(buildNetwork("igcv1-plain", { classes })).params;
  assert.equal(params(100) - params(10), 90 * (4 * 48 + 1));
});

test("IGCV2 from 416 channels has 696,384 weights in its blocks, not the 0.65M published for an unstated layout", () => {
  const graph = buildNetwork("igcv2", { variant: "wide", classes: 100 });
  const blocks = leavesOf(graph, "parameter").filter(({ name, shape }) => name?.startsWith("stage") && shape.length === 4);
  assert.equal(
    blocks.reduce((sum, { shape }) => sum + size(shape), 0),
    696_384,
  );
  assert.match(networks.igcv2.unreproduced?.[0].why ?? "", /909,892/);
  assert.equal(count(graph).params, 909_892);
});

test("all published figures of the family that have no counts are listed with the reason", () => {
  const listed = ["igcv1-plain", "igcv1-imagenet", "igcv2"].flatMap((name) => networks[name].unreproduced?.map(({ what }) => what) ?? []);
  const published = ["CIFAR accuracies", "L4M32", "L16M16", "0.65M", "MobileNet-like 1.0", "MobileNet-like 0.5", "MobileNet-like 0.25"];
  for (const [i, figure] of published.entries()) assert.ok(listed[i].includes(figure), listed[i]);
});

test("a depth that is not three equal stages is refused with the nearest that is", () => {
  assert.equal(blocksPerStage(20, 1), 6);
  assert.equal(blocksPerStage(98, 2), 16);
  const isNamed = (depth: number) => (error: unknown) =>
    error instanceof OptionError && error.message.endsWith(`nearest legal value ${depth}`);
  assert.throws(() => blocksPerStage(21, 1), isNamed(20));
  assert.throws(() => blocksPerStage(2, 1), isNamed(5));
  assert.throws(() => igcv1Of("residual", { L: 24, M: 2, D: 30 }), isNamed(32));
});

test("other partitions, depths and layouts than the listed ones are built", () => {
  const plain = igcv1Of("plain", { L: 6, M: 4, D: 8 });
  assert.deepEqual(buildNetwork(plain).outputs.logits.shape, [1, 10]);
  const layout = igcv2Of({ widths: [16, 16, 32], blocks: 1, K: 4 });
  assert.deepEqual(buildNetwork(layout, { size: 16, classes: 3 }).outputs.logits.shape, [1, 3]);
});

test("IGCV3's channels are even at any width", () => {
  const stem = (width: number): number => buildNetwork("igcv3", { width, size: 32 }).leaves[1].shape[0];
  assert.deepEqual([0.05, 0.5, 0.7, 0.85, 1.4].map(stem), [2, 16, 22, 28, 46]);
});

test("IGCV3 of the authors has no activation behind a block's first convolution and does not permute its output; the port does both", () => {
  const block = (variant: string): readonly string[] =>
    buildNetwork("igcv3", { variant, size: 32 })
      .nodes.filter(({ scope }) => scope === "features.3")
      .map(({ op }) => op.name);
  assert.deepEqual(block("paper"), ["channelShuffle", "relu6", "add"]);
  assert.deepEqual(block("pytorch"), ["relu6", "channelShuffle", "relu6", "channelShuffle", "add"]);
});
