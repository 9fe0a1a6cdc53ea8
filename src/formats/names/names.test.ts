import assert from "node:assert/strict";
import { test } from "node:test";
import { FormatError, OptionError } from "../../core/errors.ts";
import { buildNetwork, networks } from "../../networks/index.ts";
import { fittingWidth } from "../../networks/networks.testing.ts";
import { fromReferenceNames, nameMapOf, references, toReferenceNames } from "./index.ts";
import { nameMap } from "./nameMap.ts";

const pair = nameMap("theirs", [
  ["stem", "conv1"],
  ["body.1", "block"],
  ["body.1.conv", "block.filter"],
  ["head", "fc", "pointwise"],
]);

test("the longest fitting module decides, only at dots", () => {
  assert.equal(pair.toReference({ name: "body.1.conv.weight", shape: [1] }).name, "block.filter.weight");
  assert.equal(pair.toReference({ name: "body.1.norm.weight", shape: [1] }).name, "block.norm.weight");
  assert.equal(pair.fromReference({ name: "block.filter.bias", shape: [1] }).name, "body.1.conv.bias");
  assert.throws(
    () => pair.toReference({ name: "body.10.weight", shape: [1] }),
    /weight "body.10.weight" has no counterpart in the names of theirs/,
  );
  assert.throws(() => pair.fromReference({ name: "blocks.weight", shape: [1] }), FormatError);
});

test("a linear layer becomes a 1×1 convolution and back, its data shared", () => {
  const ours = new Map([
    ["head.weight", { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
    ["head.bias", { shape: [2], data: Float32Array.of(7, 8) }],
  ]);
  const theirs = toReferenceNames(ours, pair);
  assert.deepEqual(theirs.get("fc.weight")?.shape, [2, 3, 1, 1]);
  assert.deepEqual(theirs.get("fc.bias")?.shape, [2]);
  assert.equal(theirs.get("fc.weight")?.data, ours.get("head.weight")?.data);
  assert.deepEqual(fromReferenceNames(theirs, pair), ours);
});

test("running statistics without a count of batches get one of 0, others keep theirs", () => {
  const statistic = { shape: [1], data: Float32Array.of(2) };
  const theirs = new Map([
    ["conv1.running_mean", statistic],
    ["block.running_mean", statistic],
    ["block.num_batches_tracked", { shape: [], data: Float32Array.of(5) }],
  ]);
  const ours = fromReferenceNames(theirs, pair);
  assert.deepEqual(ours.get("stem.num_batches_tracked"), { shape: [], data: Float32Array.of(0) });
  assert.deepEqual(ours.get("body.1.num_batches_tracked")?.data, Float32Array.of(5));
  assert.equal(ours.size, 4);
});

test("two weights of one name are refused", () => {
  const clash = nameMap("theirs", [
    ["a", "x"],
    ["b", "x"],
  ]);
  const weights = new Map(["a.w", "b.w"].map((name) => [name, { shape: [1], data: Float32Array.of(1) }]));
  assert.throws(() => toReferenceNames(weights, clash), /two weights become "x.w", the second from "b.w"/);
});

test("unknown references and networks are refused by name", () => {
  assert.throws(() => nameMapOf("tim" as never, "mobilenet-v1"), /unknown reference "tim"; did you mean "timm"\?/);
  assert.throws(() => nameMapOf("caffe", "mobilenet-v1"), OptionError);
  assert.equal(nameMapOf("timm", "mobilenet-v3-large", "minimalistic"), references.timm["mobilenet-v3-large-minimalistic"]);
  assert.equal(nameMapOf("timm", "mobilenet-v3-large", "paper"), references.timm["mobilenet-v3-large"]);
});

for (const [reference, table] of Object.entries(references)) {
  for (const [key, map] of Object.entries(table)) {
    test(`${reference} names of ${key}: every weight there and back, no two the same`, () => {
      const [network] = Object.keys(networks).filter(
        (name) => key === name || (key.startsWith(`${name}-`) && key.slice(name.length + 1) in networks[name].variants),
      );
      const variant = key === network ? undefined : key.slice(network.length + 1);
      const graph = buildNetwork(network, { width: fittingWidth(network, 0.25), variant });
      const theirs = new Set<string>();
      for (const { kind, name = "", shape } of graph.leaves) {
        if (kind === "input") continue;
        const there = map.toReference({ name, shape });
        theirs.add(there.name);
        assert.deepEqual(map.fromReference(there), { name, shape });
      }
      assert.equal(theirs.size, graph.leaves.length - 1);
    });
  }
}
