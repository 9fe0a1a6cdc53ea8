import assert from "node:assert/strict";
import { test } from "node:test";
import type { Graph } from "../ir/graph.ts";
import { type DynamicShiftMax, dynamicShiftMax, shiftMaxProducts } from "../ops/dynamicShiftMax.ts";
import { buildNetwork } from "./index.ts";
import { count } from "./networks.testing.ts";

function coefficientProducts({ nodes }: Graph): number {
  return nodes
    .filter(({ op }) => op === dynamicShiftMax)
    .reduce((sum, { inputs, attrs }) => sum + shiftMaxProducts(inputs[0].shape, attrs as DynamicShiftMax), 0);
}

/** Convolutions and linear layers, and with the products of Dynamic Shift-Max, which the printed counts include. */
const rows = [
  ["micronet-m0", 3_448_880, 4_054_128],
  ["micronet-m1", 5_314_080, 6_120_032],
  ["micronet-m2", 10_338_128, 12_743_440],
  ["micronet-m3", 18_236_000, 20_807_520],
] as const;

for (const [name, macs, withProducts] of rows) {
  test(`${name}: ${macs} multiply–accumulates, ${withProducts} with those of Dynamic Shift-Max`, () => {
    const graph = buildNetwork(name);
    assert.equal(count(graph).macs, macs);
    assert.equal(macs + coefficientProducts(graph), withProducts);
  });

  test(`${name} builds at every width and keeps the published shortcuts`, () => {
    const shortcuts = (width: number): number => buildNetwork(name, { width }).nodes.filter(({ op }) => op.name === "add").length;
    const published = shortcuts(1);
    for (let width = 0.05; width <= 2; width += 0.05) assert.ok(shortcuts(width) >= published, `${width}`);
    assert.equal(shortcuts(8), published);
  });
}

test("channels at a width are the nearest multiples that all groups divide", () => {
  const outs = (width: number): readonly number[] =>
    buildNetwork("micronet-m0", { width })
      .leaves.filter(({ name = "" }) => /layers\.(4|7)\.conv\.0\.weight$|features\.7\.layers\.0\.conv\.0\.weight$/.test(name))
      .map(({ shape }) => shape[0]);
  assert.deepEqual(outs(1), [8, 12, 16, 32, 64, 96, 384]);
  assert.deepEqual(outs(0.5), [4, 12, 8, 16, 32, 48, 192]);
  assert.deepEqual(outs(0.1), [2, 12, 4, 8, 8, 24, 96]);
});
