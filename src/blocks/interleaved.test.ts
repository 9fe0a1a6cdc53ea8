import assert from "node:assert/strict";
import { test } from "node:test";
import { OptionError } from "../core/errors.ts";
import type { Value } from "../ir/graph.ts";
import { graphScope, type Scope } from "../ir/scope.ts";
import { interleavedV1, interleavedV2, interleavedV3 } from "./index.ts";
import {
  bestLayers,
  isBalanced,
  isComplementary,
  isWiderThanDense,
  layersOf,
  leastParameters,
  partitionedParameters,
  pathCounts,
  sparseParameters,
  widestPrimary,
} from "./interleavedRules.ts";

test("IGCV1's parameters are those of its two convolutions", () => {
  // L = 24, M = 2: 48 outputs of 2 · 9 taps, and 48 outputs of 24.
  assert.equal(partitionedParameters(24, 2), 48 * 2 * 9 + 48 * 24);
  assert.equal(partitionedParameters(4, 8), 32 * 8 * 9 + 32 * 4);
});

test("IGCV1 is wider than a dense convolution of the same cost, and widest at L = M · S", () => {
  assert.equal(isWiderThanDense(24, 2), true);
  assert.equal(isWiderThanDense(1, 8), false);
  assert.equal(isWiderThanDense(2, 1, 1), false);
  assert.equal(widestPrimary(2), 18);
  // At equal cost, width per parameter G² / (G² · (S / L + 1 / M)) with L + M·S fixed is largest where S / L = 1 / M.
  const cost = (L: number, M: number): number => partitionedParameters(L, M) / (L * M) ** 2;
  assert.equal(cost(18, 2), 2 * (9 / 18));
  assert.ok(isWiderThanDense(4, 8) === Math.sqrt(1 / cost(4, 8)) > 1 / Math.sqrt(9));
});

test("the complementary condition is that exactly one path joins each input and output", () => {
  for (const [channels, isOnePath] of [
    [64, true],
    [512, true],
    [128, false],
    [416, false],
    [8, true],
    [16, false],
  ] as const) {
    const widths = [1, ...Array.from({ length: layersOf(channels, 8) - 1 }, () => 8)];
    assert.equal(isComplementary(channels, widths), isOnePath, `${channels}`);
    if (channels > 200) continue;
    const [least, most] = pathCounts(channels, 8);
    assert.equal(least === 1 && most === 1, isOnePath, `${channels}: ${least} to ${most}`);
    assert.ok(least >= 1, `${channels} is not connected`);
  }
  assert.deepEqual(pathCounts(128, 8), [4, 4]);
});

test("the balance condition gives the least parameters", () => {
  assert.equal(isBalanced([1, 9, 9]), true);
  assert.equal(isBalanced([1, 8, 8]), false);
  assert.equal(sparseParameters(81, [1, 9, 9]), 81 * 27);
  assert.ok(Math.abs(leastParameters(81, 3) - sparseParameters(81, [1, 9, 9])) < 1e-9);
  assert.ok(sparseParameters(64, [1, 8, 8]) > leastParameters(64, 3));
});

test("the best number of layers is next to ln(S · C) and no other is cheaper", () => {
  for (const channels of [1, 8, 64, 416, 1024]) {
    const best = bestLayers(channels);
    assert.ok(Math.abs(best - Math.log(9 * channels)) < 1);
    for (let layers = 1; layers < 20; layers++) assert.ok(leastParameters(channels, best) <= leastParameters(channels, layers));
  }
});

test("the layers at 8 channels a group are one more than the whole digits of the width in base 8", () => {
  assert.deepEqual(
    [8, 9, 64, 65, 128, 512, 513].map((channels) => layersOf(channels, 8)),
    [2, 3, 3, 4, 4, 4, 5],
  );
  assert.throws(() => layersOf(64, 1), OptionError);
});

const refused: readonly (readonly [what: string, build: (g: Scope, x: Value) => Value, message: RegExp])[] = [
  [
    "IGCV1",
    (g, x) => interleavedV1(g, x, { out: 30, primary: 6, secondary: 4 }),
    /block": 30 is not a multiple of 12; nearest legal value 36/,
  ],
  [
    "IGCV1's input",
    (g, x) => interleavedV1(g, x, { out: 20, primary: 5, secondary: 2 }),
    /input.*: 12 is not a multiple of 5; nearest legal value 10/,
  ],
  ["IGCV2", (g, x) => interleavedV2(g, x, { out: 60 }), /60 is not a multiple of 8; nearest legal value 64/],
  ["IGCV2's input", (g, x) => interleavedV2(g, x, { out: 32 }), /32 is not a multiple of 12; nearest legal value 36/],
  ["IGCV3", (g, x) => interleavedV3(g, x, { out: 9, hidden: 24 }), /9 is not a multiple of 2; nearest legal value 10/],
];

for (const [what, build, message] of refused) {
  test(`${what} of channels that its groups do not divide is refused with the nearest number`, () => {
    const g = graphScope();
    const x = g.input("image", [1, 12, 4, 4]);
    assert.throws(
      () => build(g.scope("block"), x),
      (error: unknown) => error instanceof OptionError && message.test(error.message),
    );
  });
}
