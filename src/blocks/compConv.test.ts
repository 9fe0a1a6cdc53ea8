import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate } from "../backends/reference/index.ts";
import { OptionError } from "../core/errors.ts";
import { size } from "../core/shape.ts";
import { type Tensor, tensor } from "../core/tensor.ts";
import { leavesOf } from "../ir/graph.ts";
import { costOf } from "../ir/op.ts";
import { graphScope } from "../ir/scope.ts";
import { type CompConv, compConv } from "./compConv.ts";
import {
  compConvDepth,
  compConvParameters,
  copiedChannels,
  deepestFit,
  leastOutputs,
  nearestTailedOutputs,
  primitiveChannels,
  surplusChannels,
} from "./compConvRules.ts";

const SIDE = 4;

function built(inputs: number, options: CompConv) {
  const g = graphScope();
  g.output("y", compConv(g.scope("block"), g.input("x", [1, inputs, SIDE, SIDE]), options));
  const graph = g.finish();
  const weights = leavesOf(graph, "parameter");
  return { graph, weights, shape: graph.outputs.y.shape };
}

test("the depth grows with the inputs, by one where they double, up to 3", () => {
  assert.deepEqual(
    [3, 64, 128, 255, 256, 511, 512, 4096].map((inputs) => compConvDepth(inputs)),
    [1, 1, 1, 1, 2, 2, 3, 3],
  );
  assert.deepEqual(
    [16, 32, 64].map((inputs) => compConvDepth(inputs, 16)),
    [1, 2, 3],
  );
});

test("the smallest part is a share of the outputs, rounded up; what is too much is the surplus", () => {
  assert.deepEqual(
    [1, 2, 3].map((depth) => primitiveChannels(512, depth)),
    [256, 86, 37],
  );
  assert.deepEqual(
    [1, 2, 3].map((depth) => surplusChannels(512, depth)),
    [0, 4, 6],
  );
  assert.deepEqual([1, 2, 3].map(leastOutputs), [1, 3, 7]);
});

test("the printed cost, in shares of a dense convolution of as many channels, falls to 17 % at depth 3", () => {
  const share = (depth: number): string => (compConvParameters(4200, 4200, depth) / (9 * 4200 ** 2)).toFixed(3);
  assert.deepEqual([1, 2, 3].map(share), ["0.500", "0.278", "0.174"]);
});

for (const depth of [1, 2, 3]) {
  for (const [inputs, out, kernel] of [
    [8, 12, 3],
    [13, 17, 1],
    [40, 29, 5],
  ]) {
    test(`depth ${depth}, ${inputs} → ${out}, kernel ${kernel}: parameters and MACs are the printed ones`, () => {
      const { graph, weights, shape } = built(inputs, { out, depth, kernel, base: 1 });
      const params = weights.reduce((sum, { shape: each }) => sum + size(each), 0);
      assert.equal(params, compConvParameters(inputs, out, depth, kernel));
      assert.equal(
        graph.nodes.reduce((sum, node) => sum + costOf(node).macs, 0),
        params * SIDE ** 2,
      );
      assert.deepEqual(shape, [1, out, SIDE, SIDE]);
    });
  }
}

test("half of the 3×3 convolution's cost at depth 1 is a Ghost module of ratio 2", () => {
  const { weights } = built(10, { out: 14, depth: 1 });
  assert.deepEqual(
    weights.map(({ name, shape }) => `${name} ${shape.join("×")}`),
    ["block.convs.0.weight 7×10×3×3", "block.tail.weight 7×1×3×3"],
  );
});

/** The channels of the output in terms of the input's numbers where every filter is zero: copies show, all else vanishes. */
function copiesOf(options: CompConv, inputs = 6): readonly number[] {
  const { graph, weights } = built(inputs, { kernel: 1, ...options });
  const state = new Map<string, Tensor>(weights.map(({ name, shape }) => [name as string, tensor(shape, new Float32Array(size(shape)))]));
  const image = Float32Array.from({ length: inputs * SIDE ** 2 }, (_, i) => 1 + Math.floor(i / SIDE ** 2) + (i % SIDE ** 2) / 100);
  const found = evaluate(graph, state, new Map([["x", tensor([1, inputs, SIDE, SIDE], image)]]));
  const { data, shape } = found.get("y") ?? assert.fail("no output");
  return Array.from({ length: shape[1] }, (_, c) => Math.floor(data[c * shape[2] * shape[3] + 1]));
}

test("the output holds all parts, smallest first: copied, convolved, …, the tail, the last", () => {
  // C_prim = 1: A2, B2, A1 (2 channels), B1 (2), tail (4), B0 (4).
  assert.deepEqual(copiesOf({ out: 14, depth: 3 }), [1, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  assert.deepEqual(copiesOf({ out: 14, depth: 3, slices: "disjoint" }), [1, 0, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  assert.deepEqual(copiesOf({ out: 11, depth: 3 }), [1, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0]);
});

test("a shuffle deals the parts out, a surplus is cut from the tail where asked", () => {
  assert.deepEqual(copiesOf({ out: 12, depth: 2, shuffle: 2 }), [1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  const sizes = (surplus: "end" | "tail") =>
    built(8, { out: 12, depth: 3, surplus })
      .graph.nodes.filter(({ op }) => op.name === "slice")
      .map(({ outputs }) => outputs[0].shape[1]);
  // C_prim = 1, two channels too many: copies of 1 and 2, then either the whole or the tail of 4 is cut.
  assert.deepEqual(sizes("end"), [1, 2, 12]);
  assert.deepEqual(sizes("tail"), [1, 2, 2]);
});

test("at a stride the copies keep the pixels on which the first convolution is centred", () => {
  const { graph, shape } = built(6, { out: 12, depth: 2, stride: 2 });
  assert.deepEqual(shape, [1, 12, 2, 2]);
  assert.deepEqual(
    graph.nodes.map(({ op }) => op.name),
    ["conv2d", "slice", "maxPool", "concat", "conv2d", "conv2d", "concat"],
  );
  assert.deepEqual(built(6, { out: 12, depth: 3, stride: 2, padding: "tensorflow" }).shape, [1, 12, 2, 2]);
});

test("the depth of its own accord is what inputs and outputs allow", () => {
  assert.deepEqual(
    [4, 8].map((inputs) => built(inputs, { out: 40, base: 1 }).weights.length),
    [2, 4],
  );
  assert.deepEqual([deepestFit(1, 40, "prefix"), deepestFit(8, 40, "prefix"), deepestFit(64, 2, "prefix")], [1, 3, 1]);
  assert.deepEqual([copiedChannels(40, 3, "prefix"), copiedChannels(40, 3, "disjoint"), copiedChannels(40, 1, "disjoint")], [6, 9, 0]);
  assert.deepEqual([deepestFit(8, 40, "prefix"), deepestFit(8, 40, "disjoint")], [3, 2]);
});

const refused: readonly (readonly [what: string, inputs: number, options: CompConv, message: RegExp])[] = [
  [
    "a depth of 4",
    64,
    { out: 64, depth: 4 },
    /depth of a CompConv at "block": 4 is not a whole number from 1 to 3; nearest legal value 3$/,
  ],
  ["half a level", 64, { out: 64, depth: 1.4 }, /nearest legal value 1$/],
  ["no outputs", 64, { out: 0 }, /channels .*: 0 is not .*nearest legal value 1$/],
  ["a base of 0", 64, { out: 64, base: 0 }, /C₀ .* nearest legal value 1$/],
  ["an even kernel", 64, { out: 64, kernel: 4 }, /odd kernel, found 4; nearest legal value 5$/],
  [
    "fewer inputs than are copied",
    4,
    { out: 40, depth: 3 },
    /depth 3 .* copies 6 input channels for 40 outputs, found 4; nearest legal value 1/,
  ],
  ["fewer outputs than levels give", 64, { out: 5, depth: 3 }, /needs at least 7 outputs, found 5; nearest legal value 7$/],
  [
    "a tail that is all surplus",
    64,
    { out: 15, depth: 3, surplus: "tail" },
    /has 8 channels, but 13 are surplus .*nearest legal value 14$/,
  ],
  ["a shuffle that does not divide", 64, { out: 13, shuffle: 2 }, /13 is not a multiple of 2; nearest legal value 14$/],
];

for (const [what, inputs, options, message] of refused) {
  test(`${what}: refused`, () => {
    assert.throws(
      () => built(inputs, options),
      (error: unknown) => error instanceof OptionError && message.test(error.message),
    );
  });
}

test("the nearest outputs of a cut tail do build", () => {
  for (const depth of [1, 2, 3]) {
    for (let out = leastOutputs(depth); out < 60; out++) {
      const legal = nearestTailedOutputs(out, depth);
      assert.deepEqual(built(64, { out: legal, depth, surplus: "tail" }).shape, [1, legal, SIDE, SIDE]);
    }
  }
});
