/** Blocks of ChannelNet and GhostNet: shapes at odd sizes, and what they refuse. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { OptionError } from "../core/errors.ts";
import type { Shape } from "../core/shape.ts";
import type { Value } from "../ir/graph.ts";
import { graphScope, type Scope } from "../ir/scope.ts";
import { convolutionalClassification, depthwiseSeparableChannelConvolution, groupChannelConvolution, groupModule } from "./channelNet.ts";
import { ghostBottleneck, ghostModule, surveyGhostModule } from "./ghost.ts";
import { fusedMbConv, mbConv } from "./mbConv.ts";

function built(shape: Shape, build: (g: Scope, x: Value) => Value): { out: Shape; weights: Readonly<Record<string, string>> } {
  const g = graphScope();
  const y = build(g, g.input("image", shape));
  const weights = g.finish().leaves.filter((leaf) => leaf.kind === "parameter" && leaf.shape.length > 1);
  return { out: y.shape, weights: Object.fromEntries(weights.map(({ name, shape: each }) => [name, each.join("×")])) };
}

test("channel-wise convolutions keep the channels, whatever their length", () => {
  for (const length of [2, 3, 5, 8]) {
    assert.deepEqual(built([1, 12, 5, 3], (g, x) => groupChannelConvolution(g, x, { groups: 2, length })).out, [1, 12, 5, 3]);
  }
  const { out, weights } = built([2, 40, 4, 4], (g, x) => depthwiseSeparableChannelConvolution(g, x));
  assert.deepEqual(out, [2, 40, 4, 4]);
  assert.deepEqual(weights, { "dw.weight": "40×1×3×3", "cw.weight": "1×1×64×1×1" });
});

test("a group module has two grouped units, and kernels along the channels where asked for", () => {
  const { out, weights } = built([1, 16, 7, 7], (g, x) => groupModule(g, x, { groups: 4, channelLength: 6 }));
  assert.deepEqual(out, [1, 16, 7, 7]);
  assert.equal(weights["body.1.pw.weight"], "16×4×1×1");
  assert.equal(weights["gcw.weight"], "4×1×6×1×1");
});

test("the classification layer shares one kernel among all classes", () => {
  const { out, weights } = built([3, 20, 5, 4], (g, x) => convolutionalClassification(g, x, { classes: 11 }));
  assert.deepEqual(out, [3, 11]);
  assert.deepEqual(weights, { weight: "1×1×10×5×4" });
});

test("a Ghost module cuts what is too much, at any ratio and kernel", () => {
  const { out, weights } = built([1, 8, 6, 6], (g, x) => ghostModule(g, x, { out: 25, ratio: 3, kernel: 3, stride: 2, cheapKernel: 5 }));
  assert.deepEqual(out, [1, 25, 3, 3]);
  assert.deepEqual(weights, { "primary_conv.0.weight": "9×8×3×3", "cheap_operation.0.weight": "18×1×5×5" });
});

test("a Ghost bottleneck has the same weights where its stride was dropped", () => {
  const at = (stride: number) => built([1, 8, 8, 8], (g, x) => ghostBottleneck(g, x, { out: 8, hidden: 16, stride, isReducing: true }));
  assert.deepEqual(at(1).weights, at(2).weights);
  assert.deepEqual(
    [at(1).out, at(2).out],
    [
      [1, 8, 8, 8],
      [1, 8, 4, 4],
    ],
  );
});

test("MBConv attends by the block's input; Fused-MBConv that does not expand is one convolution", () => {
  const { weights } = built([1, 10, 6, 6], (g, x) => mbConv(g, x, { out: 12, expand: 4, kernel: 5 }));
  assert.equal(weights["block.2.fc1.weight"], "2×40×1×1");
  assert.equal(
    built([1, 10, 6, 6], (g, x) => mbConv(g, x, { out: 12, expand: 1, squeezeRatio: 0 })).weights["block.1.0.weight"],
    "12×10×1×1",
  );
  assert.deepEqual(built([1, 10, 6, 6], (g, x) => fusedMbConv(g, x, { out: 10, expand: 1 })).weights, { "block.0.0.weight": "10×10×3×3" });
  const fused = built([1, 8, 6, 6], (g, x) => fusedMbConv(g, x, { out: 8, expand: 2, squeezeRatio: 0.25 })).weights;
  assert.equal(fused["block.1.fc2.weight"], "16×2×1×1");
});

const refused: readonly (readonly [what: string, build: (g: Scope, x: Value) => Value, message: RegExp])[] = [
  ["groups that do not divide", (g, x) => groupModule(g, x, { groups: 4 }), /4 groups: 10 is not a multiple of 4; nearest legal value 12/],
  ["kernels that skip channels", (g, x) => groupChannelConvolution(g, x, { groups: 5, length: 3 }), /nearest legal value 5/],
  ["more classes than channels", (g, x) => convolutionalClassification(g, x, { classes: 11 }), /nearest legal value 10/],
  ["a ratio of 1", (g, x) => ghostModule(g, x, { out: 8, ratio: 1 }), /ratio from 2 to 8, found 1; nearest legal value 2/],
  ["more ghosts than channels", (g, x) => ghostModule(g, x, { out: 3, ratio: 7 }), /nearest legal value 3/],
  [
    "odd channels in the survey's module",
    (g, x) => surveyGhostModule(g, x, { out: 25 }),
    /25 is not a multiple of 12; nearest legal value 24/,
  ],
  ["an even cheap kernel", (g, x) => surveyGhostModule(g, x, { out: 8, cheapKernel: 4 }), /nearest legal value 5/],
];

for (const [what, build, message] of refused) {
  test(`${what}: refused`, () => {
    assert.throws(
      () => built([1, 10, 4, 4], build),
      (error: unknown) => error instanceof OptionError && message.test(error.message),
    );
  });
}
