import assert from "node:assert/strict";
import { test } from "node:test";
import { leavesOf } from "../ir/graph.ts";
import { costOf } from "../ir/op.ts";
import { buildNetwork } from "./index.ts";
import { count } from "./networks.testing.ts";

/** Adder operations, two additions each, counted on the authors' code (for 18 and 32 layers on its blocks in the same shell). */
const adders: readonly (readonly [name: string, operations: number])[] = [
  ["addernet-resnet-20", 40_370_176],
  ["addernet-resnet-32", 68_681_728],
  ["addernet-resnet-18", 1_695_547_392],
  ["addernet-resnet-50", 3_969_122_304],
];

for (const [name, operations] of adders) {
  test(`${name} takes ${operations} adder operations`, () => {
    const layers = buildNetwork(name).nodes.filter(({ op }) => op.takesSimilarity);
    const own = layers.map(costOf).filter(({ macs }) => macs === 0);
    assert.equal(
      own.reduce((sum, { adds }) => sum + adds, 0),
      2 * operations,
    );
    assert.equal(layers.length - own.length, 2, "the first layer and the classifier multiply");
  });
}

test("the networks for a hundred classes have the parameters of the authors' code", () => {
  assert.equal(count(buildNetwork("addernet-resnet-20", { classes: 100 })).params, 278_424);
  assert.equal(count(buildNetwork("addernet-resnet-32", { classes: 100 })).params, 472_856);
});

test("the same network computes with products where asked: the paper's control, with its projections and normalised logits", () => {
  const graph = buildNetwork("addernet-resnet-20", { arithmetic: "product" });
  assert.deepEqual(count(graph), { params: 272_484, macs: 443_008 + 40_370_176 });
  const filter = leavesOf(graph, "parameter").find((leaf) => leaf.name === "layer1.0.conv1.adder");
  assert.deepEqual(filter?.init, { kind: "normal", std: Math.sqrt(2 / (16 * 9)) });
});
