import assert from "node:assert/strict";
import { test } from "node:test";
import { type DesignName, designs } from "../blocks/index.ts";
import { OptionError } from "../core/errors.ts";
import { size } from "../core/shape.ts";
import { costOf } from "../ir/op.ts";
import { ops } from "../ops/index.ts";
import { type BuildOptions, buildNetwork, networks } from "./index.ts";
import { count } from "./networks.testing.ts";

const names = Object.keys(designs) as readonly DesignName[];
const backbones = Object.values(networks).filter((network) => network.takesDesigns);

const millions = (n: number, digits: number): string => (n / 1e6).toFixed(digits);

test("Ghost-VGG-16 on CIFAR has the paper's 7.7 M parameters and 158 M MACs", () => {
  const { params, macs } = count(buildNetwork("vgg-16-cifar", { conv: "ghost" }));
  assert.deepEqual([millions(params, 1), millions(macs, 0)], ["7.7", "158"]);
});

test("Ghost-ResNet-56 has the paper's 0.43 M parameters and 63 M MACs", () => {
  const { params, macs } = count(buildNetwork("resnet-56", { conv: "ghost" }));
  assert.deepEqual([millions(params, 2), millions(macs, 0)], ["0.43", "63"]);
});

/** Weights of the convolutions (and of fully connected layers, where told) and the MACs spent on them. */
function compConvCounts(name: string, options: BuildOptions, hasClassifier: boolean): { weights: number; macs: number } {
  const nodes = buildNetwork(name, { conv: "compconv", ...options }).nodes.filter(
    ({ op }) => op === ops.conv2d || (hasClassifier && op === ops.linear),
  );
  const weights = nodes.flatMap(({ inputs }) => inputs.slice(1)).reduce((sum, { shape }) => sum + size(shape), 0);
  return { weights, macs: nodes.reduce((sum, node) => sum + costOf(node).macs, 0) };
}

test("CompConv128-VGG-16 has the weights and MACs that the paper's formulas give: the first convolution ordinary, the others of depth 1 to 3", () => {
  const { weights, macs } = compConvCounts("vgg-16", {}, false);
  assert.deepEqual([weights, (macs / 1e9).toFixed(2)], [3_170_808, "5.20"]);
});

test("CompConv128-ResNet-50 has the weights and MACs that the paper's formulas give where the 3×3 convolutions are replaced", () => {
  const { weights, macs } = compConvCounts("resnet-50", { variant: "torchvision" }, true);
  assert.deepEqual([weights, (macs / 1e9).toFixed(2)], [16_793_244, "2.91"]);
});

test("CompConv's choices reach the network, and are refused where they would say nothing", () => {
  const params = (compConv: BuildOptions["compConv"]): number => count(buildNetwork("resnet-20", { conv: "compconv", compConv })).params;
  assert.ok(params({ base: 128 }) > params({}));
  assert.equal(params({ base: 16, slices: "disjoint", surplus: "tail", shuffle: 2 }), params({}));
  const refused = (options: object, wanted: RegExp): void =>
    assert.throws(
      () => buildNetwork("resnet-20", options),
      (error: unknown) => error instanceof OptionError && wanted.test(error.message),
    );
  refused({ conv: "compconv", compConv: { base: 0 } }, /compConv.base 0 .*nearest legal value 1$/);
  refused({ conv: "compconv", compConv: { slices: "prefxi" } }, /unknown compConv.slices "prefxi"\n {2}did you mean "prefix"/);
  refused({ conv: "compconv", compConv: { bias: 1 } }, /unknown option "compConv.bias"/);
  refused({ conv: "compconv", compConv: 16 }, /compConv 16 needs an object of choices/);
  refused({ conv: "ghost", compConv: { base: 16 } }, /compConv.base needs conv "compconv", found "ghost"/);
});

const rows: readonly (readonly [name: string, options: BuildOptions, params: number, macs: number])[] = [
  ["vgg-16", { variant: "normalised" }, 138_365_992, 15_470_264_320],
  ["resnet-50", { variant: "torchvision" }, 25_557_032, 4_089_184_256],
  ["resnet-20", { variant: "projection" }, 272_474, 40_813_184],
];

for (const [name, options, params, macs] of rows) {
  test(`${name} ${JSON.stringify(options)} has exactly ${params} parameters and ${macs} MACs`, () => {
    assert.deepEqual(count(buildNetwork(name, options)), { params, macs });
  });
}

test("the plain network with depthwise separable convolutions is MobileNet", () => {
  assert.deepEqual(count(buildNetwork("vanilla", { conv: "depthwise" })), networks["mobilenet-v1"].exact);
});

for (const { name } of backbones) {
  test(`${name} takes every design, for training and not, on grey and coloured images`, () => {
    const plain = count(buildNetwork(name));
    for (const conv of names) {
      for (const [channels, isTraining] of [
        [1, true],
        [3, false],
      ] as const) {
        const graph = buildNetwork(name, { conv, channels, isTraining, classes: 7, batch: 2 });
        assert.deepEqual(graph.outputs.logits.shape, [2, 7]);
      }
      if (conv !== "vanilla") assert.notEqual(count(buildNetwork(name, { conv })).params, plain.params, conv);
    }
  });
}

test("a design where there is no ordinary convolution to replace, or a misspelt one, is refused", () => {
  assert.throws(
    () => buildNetwork("mobilenet-v2", { conv: "ghost" }),
    /conv "ghost" needs a plain backbone.*nearest legal value "vanilla"/,
  );
  const misspelt = { conv: "gost" } as unknown as BuildOptions;
  assert.throws(
    () => buildNetwork("resnet-20", misspelt),
    (error: unknown) => error instanceof OptionError && /unknown conv "gost"\n {2}did you mean "ghost"\?/.test(error.message),
  );
});
