import assert from "node:assert/strict";
import { test } from "node:test";
import { OptionError } from "../core/errors.ts";
import type { Value } from "../ir/graph.ts";
import { graphScope, type Scope } from "../ir/scope.ts";
import { microBlock, microDepthwise, microPointwise, microStem, shiftMax, shiftMaxStarts } from "./index.ts";

function built(
  channels: number,
  build: (g: Scope, x: Value) => Value,
): { out: readonly number[]; weights: Readonly<Record<string, string>> } {
  const g = graphScope();
  const y = build(g, g.input("image", [1, channels, 9, 8]));
  const weights = g.finish().leaves.filter(({ kind, shape }) => kind === "parameter" && shape.length > 1);
  return { out: y.shape, weights: Object.fromEntries(weights.map(({ name, shape }) => [name, shape.join("×")])) };
}

/** A row of MicroNet-M0's table, Micro-B. */
const rowB = { out: 16, kernel: 5, expand: [1, 4], groups: [4, 4], lastGroups: [4, 4], dynamic: [2, 2, 1] } as const;
const rowA = { ...rowB, kernel: 3, expand: [2, 2], groups: [0, 8] } as const;

test("a micro-factorised depthwise convolution is two filters of one row and one column, and may expand", () => {
  const { out, weights } = built(6, (g, x) => microDepthwise(g, x, { kernel: 5, stride: 2, expand: [2, 3] }));
  assert.deepEqual(out, [1, 36, 5, 4]);
  assert.deepEqual(weights, { "conv.0.weight": "12×1×5×1", "conv.2.weight": "36×1×1×5" });
});

test("padding in pixels belongs to the axis along which a filter is long", () => {
  assert.deepEqual(built(4, (g, x) => microDepthwise(g, x, { kernel: 3, padding: 1 })).out, [1, 4, 9, 8]);
  assert.deepEqual(built(4, (g, x) => microDepthwise(g, x, { kernel: 3, padding: [0, 1] })).out, [1, 4, 7, 8]);
});

test("a micro-factorised 1×1 convolution of C = G² · R channels has 2 · C² / (R · G) weights", () => {
  const { weights } = built(18, (g, x) => microPointwise(g, x, { out: 18, hidden: 9, groups: 3 }));
  assert.deepEqual(weights, { "compress.conv.0.weight": "9×6×1×1", "expand.conv.0.weight": "18×3×1×1" });
  assert.equal(9 * 6 + 18 * 3, (2 * 18 ** 2) / (2 * 3));
});

test("the coefficients of Dynamic Shift-Max come from features reduced to a multiple of four, four at least", () => {
  const features = (channels: number, reduction: number): string =>
    built(channels, (g, x) => shiftMax(g, x, { groups: 2, reduction })).weights["fc.0.weight"];
  assert.deepEqual([features(8, 8), features(48, 8), features(64, 16), features(96, 8)], ["4×8", "8×48", "4×64", "12×96"]);
  assert.equal(built(8, (g, x) => shiftMax(g, x, { groups: 2, start: shiftMaxStarts.single })).weights["fc.2.weight"], "16×4");
});

test("the groups tell which of the three blocks it is, and only what keeps its shape has a shortcut", () => {
  const joins = (channels: number, options: Parameters<typeof microBlock>[2]): number => {
    const g = graphScope();
    microBlock(g, g.input("x", [1, channels, 8, 8]), options);
    return g.finish().nodes.filter(({ op }) => op.name === "add").length;
  };
  assert.equal(built(16, (g, x) => microBlock(g, x, rowB)).weights["layers.3.conv.2.weight"], "64×1×1×5");
  assert.equal(built(8, (g, x) => microBlock(g, x, rowA)).weights["layers.4.conv.0.weight"], "16×8×1×1");
  assert.deepEqual(built(12, (g, x) => microBlock(g, x, { ...rowB, lastGroups: [0, 0] })).out, [1, 48, 9, 8]);
  assert.deepEqual([joins(16, rowB), joins(16, { ...rowB, stride: 2 }), joins(16, { ...rowB, out: 32 })], [1, 0, 0]);
});

test("a stem with twice the channels keeps the greater of each pair", () => {
  const stem = (out: number) => built(3, (g, x) => microStem(g, x, { channels: [4, 2], out, stride: 2 })).out;
  assert.deepEqual(
    [stem(8), stem(4)],
    [
      [1, 8, 5, 4],
      [1, 4, 5, 4],
    ],
  );
});

const refused: readonly (readonly [what: string, channels: number, build: (g: Scope, x: Value) => Value, message: RegExp])[] = [
  [
    "inputs that the first groups do not divide",
    18,
    (g, x) => microBlock(g, x, rowB),
    /4 groups at "block.layers.0": 18 is not a multiple of 4; nearest legal value 20/,
  ],
  [
    "outputs that the last groups do not divide",
    16,
    (g, x) => microBlock(g, x, { ...rowB, out: 18 }),
    /18 is not a multiple of 4; nearest legal value 20/,
  ],
  [
    "outputs that the last shuffle does not divide",
    16,
    (g, x) => microBlock(g, x, { ...rowB, lastGroups: [4, 6], dynamic: [2, 2, 0] }),
    /shuffled in 6 groups at "block": 16 is not a multiple of 6; nearest legal value 18/,
  ],
  [
    "filtered channels that the shift's groups do not divide",
    3,
    (g, x) => microBlock(g, x, rowA),
    /Micro-A block in 8 groups at "block": 12 is not a multiple of 8; nearest legal value 16/,
  ],
  [
    "expanded channels that the shift's groups do not divide",
    4,
    (g, x) => microBlock(g, x, { ...rowB, groups: [4, 6] }),
    /Micro-B block in 6 groups at "block": 16 is not a multiple of 6; nearest legal value 18/,
  ],
  [
    "a shift in groups that do not divide",
    10,
    (g, x) => shiftMax(g, x, { groups: 4 }),
    /Dynamic Shift-Max in 4 groups at "block": 10 is not a multiple of 4; nearest legal value 12/,
  ],
];

for (const [what, channels, build, message] of refused) {
  test(`${what} are refused with the nearest number that would fit`, () => {
    assert.throws(
      () => built(channels, (g, x) => build(g.scope("block"), x)),
      (error: unknown) => error instanceof OptionError && message.test(error.message),
    );
  });
}
