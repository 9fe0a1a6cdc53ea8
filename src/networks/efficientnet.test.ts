/** Published counts of EfficientNet, EfficientNetV2, GhostNet and ChannelNet, and what only these families have. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { OptionError } from "../core/errors.ts";
import { leavesOf } from "../ir/graph.ts";
import { ops } from "../ops/index.ts";
import { type BuildOptions, buildNetwork, networks } from "./index.ts";
import { count } from "./networks.testing.ts";

interface Row {
  readonly name: string;
  readonly options?: BuildOptions;
  /** As printed, and counted on the references: parameters, MACs. */
  readonly published: readonly [params: number | undefined, macs: number | undefined];
  readonly exact: readonly [params: number, macs: number];
}

/** Every published variant of the families; counts of ChannelNet are those of its layer list. */
const rows: readonly Row[] = [
  { name: "channelnet-v1", published: [3.7e6, 407e6], exact: [3_703_432, 468_488_704] },
  { name: "channelnet-v2", published: [undefined, undefined], exact: [2_652_872, 420_319_744] },
  { name: "channelnet-v3", published: [undefined, undefined], exact: [1_629_097, 420_520_744] },
  { name: "efficientnet-b0", published: [5.3e6, 0.39e9], exact: [5_288_548, 385_814_752] },
  { name: "efficientnet-b1", published: [7.8e6, 0.7e9], exact: [7_794_184, 686_802_832] },
  { name: "efficientnet-b2", published: [9.2e6, 1e9], exact: [9_109_994, 993_561_872] },
  { name: "efficientnet-b3", published: [12e6, 1.8e9], exact: [12_233_232, 1_827_141_392] },
  { name: "efficientnet-b4", published: [19e6, 4.2e9], exact: [19_341_616, 4_393_771_024] },
  { name: "efficientnet-b5", published: [30e6, 9.9e9], exact: [30_389_784, 10_266_384_752] },
  { name: "efficientnet-b6", published: [43e6, 19e9], exact: [43_040_704, 19_067_593_536] },
  { name: "efficientnet-b7", published: [66e6, 37e9], exact: [66_347_960, 37_745_884_192] },
  { name: "efficientnet-v2-s", published: [21.5e6, 8.4e9], exact: [21_458_488, 8_365_617_152] },
  { name: "efficientnet-v2-m", published: [54.1e6, 24.7e9], exact: [54_139_356, 24_582_460_384] },
  { name: "efficientnet-v2-l", published: [119.5e6, 56.3e9], exact: [118_515_272, 56_079_699_008] },
  { name: "efficientnet-v2-b0", published: [7.1e6, 0.72e9], exact: [7_139_704, 718_086_176] },
  { name: "efficientnet-v2-b1", published: [8.1e6, 1.2e9], exact: [8_141_052, 1_196_819_360] },
  { name: "efficientnet-v2-b2", published: [10.1e6, 1.7e9], exact: [10_096_086, 1_697_542_832] },
  { name: "efficientnet-v2-b3", published: [14.4e6, 3e9], exact: [14_358_406, 3_011_458_816] },
  { name: "ghostnet", options: { width: 0.5 }, published: [2.6e6, 42e6], exact: [2_587_292, 42_328_152] },
  { name: "ghostnet", published: [5.2e6, 141e6], exact: [5_182_508, 141_150_512] },
  { name: "ghostnet", options: { width: 1.3 }, published: [7.3e6, 226e6], exact: [7_358_820, 227_003_256] },
];

for (const { name, options = {}, published, exact } of rows) {
  test(`${name} ${JSON.stringify(options)}: counts are exact, and near the printed ones unless listed as not reproduced`, () => {
    const { params, macs } = count(buildNetwork(name, options));
    assert.deepEqual([params, macs], exact);
    const isListed = networks[name].unreproduced !== undefined;
    for (const [i, found] of [params, macs].entries()) {
      const printed = published[i];
      if (printed === undefined) continue;
      assert.ok(isListed || Math.abs(found / printed - 1) < 0.025, `${found} is not ${printed}`);
    }
  });
}

test("variants differ in padding and eps, not in weights", () => {
  const nodes = (name: string, options: BuildOptions): unknown => {
    const graph = buildNetwork(name, { size: 64, ...options });
    const [first] = graph.nodes;
    const norm = graph.nodes.filter(({ op }) => op === ops.batchNorm)[0];
    return [(first.attrs as { padding: unknown }).padding, (norm.attrs as { eps: number }).eps, leavesOf(graph, "parameter").length];
  };
  assert.deepEqual(nodes("efficientnet-b0", {}), [[0, 1, 0, 1], 1e-3, 213]);
  assert.deepEqual(nodes("efficientnet-b0", { variant: "torchvision" }), [[1, 1, 1, 1], 1e-5, 213]);
  assert.deepEqual(nodes("efficientnet-b5", { variant: "torchvision" }), [[1, 1, 1, 1], 1e-3, 506]);
  assert.deepEqual(nodes("efficientnet-v2-s", { variant: "torchvision" }), [[1, 1, 1, 1], 1e-3, 452]);
  assert.deepEqual(nodes("efficientnet-b0", { padding: "symmetrical" }), [[1, 1, 1, 1], 1e-3, 213]);
});

test("depth multiplies the blocks of every stage", () => {
  const blocks = (depth: number): number =>
    new Set(buildNetwork("efficientnet-b0", { depth, size: 64 }).leaves.map(({ name = "" }) => /^features\.\d\.\d+\.block/.exec(name)?.[0]))
      .size - 1;
  assert.equal(blocks(1), 16);
  assert.equal(blocks(2), 32);
  assert.equal(blocks(0.5), 10);
});

test("stochastic depth drops more of later branches, one number an image, and nothing at inference", () => {
  const noises = (options: BuildOptions): number[] => {
    const graph = buildNetwork("efficientnet-b0", { batch: 3, size: 64, dropout: 0, ...options });
    return graph.nodes.filter(({ op }) => op === ops.dropout).map(({ attrs }) => (attrs as { rate: number }).rate);
  };
  const rates = noises({ isTraining: true });
  // In a straight line over the 16 blocks, counted from 0; those without a shortcut drop nothing.
  assert.deepEqual(
    rates,
    [2, 4, 6, 7, 9, 10, 12, 13, 14].map((block) => (0.2 * block) / 16),
  );
  assert.equal(noises({ isTraining: true, stochasticDepth: 0 }).length, 0);
  assert.equal(noises({}).length, 0);
  const graph = buildNetwork("efficientnet-b0", { batch: 3, size: 64, isTraining: true });
  const shapes = leavesOf(graph, "input").filter(({ name = "" }) => name.startsWith("noise.features"));
  assert.ok(shapes.every(({ shape }) => String(shape) === "3,1,1,1"));
});

const refused: readonly (readonly [what: string, name: string, options: BuildOptions, message: RegExp])[] = [
  ["depth in a family without", "mobilenet-v2", { depth: 2 }, /depth 2 is not an option of this family; nearest legal value 1/],
  ["stochastic depth likewise", "ghostnet", { stochasticDepth: 0.2 }, /stochasticDepth 0.2 is not an option of this family; .* value 0/],
  ["a depth of 0", "efficientnet-b0", { depth: 0 }, /depth 0 is not a number from 0.05 to 64; nearest legal value 0.05/],
  ["a share of 1", "efficientnet-b0", { stochasticDepth: 1 }, /nearest legal value 0.95/],
  [
    "more classes than channels",
    "channelnet-v3",
    { width: 0.5 },
    /as it has channels \(512\), found 1000 classes; nearest legal value 512/,
  ],
];

for (const [what, name, options, message] of refused) {
  test(`${what}: refused`, () => {
    assert.throws(
      () => buildNetwork(name, options),
      (error: unknown) => error instanceof OptionError && message.test(error.message),
    );
  });
}
