import assert from "node:assert/strict";
import { test } from "node:test";
import { type BuildOptions, buildNetwork } from "./index.ts";
import { count } from "./networks.testing.ts";

/** Counted by walking the released Caffe files, and on torchvision; the bypasses by hand from the channels. */
const rows: readonly (readonly [name: string, options: BuildOptions, params: number, macs: number])[] = [
  ["squeezenet-1.0", {}, 1_248_424, 861_339_936],
  ["squeezenet-1.0", { size: 224 }, 1_248_424, 847_596_576],
  ["squeezenet-1.0", { size: 224, variant: "torchvision" }, 1_248_424, 818_924_576],
  ["squeezenet-1.0", { variant: "simple-bypass" }, 1_248_424, 861_339_936],
  // 96·128 + 128·256 + 256·384 + 384·512 weights, 128 + 256 + 384 + 512 biases; maps of 55², 55², 27², 27² pixels.
  ["squeezenet-1.0", { variant: "complex-bypass" }, 1_248_424 + 341_248, 861_339_936 + 45_056 * 55 ** 2 + 294_912 * 27 ** 2],
  ["squeezenet-1.1", { size: 227 }, 1_235_496, 387_747_520],
  ["squeezenet-1.1", { size: 224 }, 1_235_496, 349_151_936],
  ["squeezenext-23", {}, 717_280, 277_999_808],
  ["squeezenext-23", { size: 224 }, 717_280, 268_976_832],
  ["squeezenext-23v5", {}, 930_016, 224_916_480],
  ["squeezenext-23v5", { size: 224 }, 930_016, 222_046_464],
  ["squeezenext-23", { width: 2 }, 2_361_728, 742_070_464],
  ["squeezenext-23", { width: 2, size: 224 }, 2_361_728, 719_066_816],
  ["squeezenext-23v5", { width: 2 }, 3_222_912, 702_592_000],
  ["squeezenext-23v5", { width: 2, size: 224 }, 3_222_912, 697_960_192],
  ["squeezenext-23", { variant: "grouped" }, 543_072, 224_191_552],
  ["squeezenext-23", { variant: "grouped", size: 224 }, 543_072, 216_810_688],
];

for (const [name, options, params, macs] of rows) {
  test(`${name} ${JSON.stringify(options)} has exactly ${params} parameters and ${macs} MACs`, () => {
    assert.deepEqual(count(buildNetwork(name, options)), { params, macs });
  });
}

test("SqueezeNext's block has its halves of the 3×3 change places from block to block through all stages", () => {
  const firsts = buildNetwork("squeezenext-23v5", { size: 64 }).leaves.flatMap(({ name, shape }) =>
    /branch\.2\.conv\.weight$/.test(name ?? "") ? [shape[2] > shape[3] ? "3×1" : "1×3"] : [],
  );
  assert.deepEqual(
    firsts,
    Array.from({ length: 21 }, (_, i) => (i % 2 === 0 ? "3×1" : "1×3")),
  );
});

test("SqueezeNet's bypasses lie around fire3, 5, 7 and 9, the complex ones around the others too", () => {
  const additions = (variant: string): readonly string[] =>
    buildNetwork("squeezenet-1.0", { variant }).nodes.flatMap(({ op, scope }) => (op.name === "add" ? [scope] : []));
  const fires = [3, 4, 5, 7, 8, 9, 10, 12].map((index) => `features.${index}`);
  assert.deepEqual(additions("released"), []);
  assert.deepEqual(
    additions("simple-bypass"),
    fires.filter((_, i) => i % 2 === 1),
  );
  assert.deepEqual(additions("complex-bypass"), fires);
});
