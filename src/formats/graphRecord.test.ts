import assert from "node:assert/strict";
import { test } from "node:test";
import { FormatError } from "../core/errors.ts";
import { graphScope } from "../ir/scope.ts";
import { ops } from "../ops/index.ts";
import { type GraphRecord, graphRecord, readGraphRecord } from "./graphRecord.ts";

const filled = { kind: "constant", value: 0 } as const;

function example(): GraphRecord {
  const g = graphScope();
  const image = g.input("image", [1, 3, 8, 8]);
  const attrs = { stride: [2, 2], padding: [1, 1, 1, 1], groups: 1, similarity: "product" } as const;
  const x = ops.conv2d(g.scope("stem"), [image, g.parameter("stem.weight", [4, 3, 3, 3], filled)], attrs);
  const pooled = ops.reshape(g, [ops.globalAveragePool(g, [ops.clip(g, [x], { low: 0, high: 4 })], {})], { shape: [1, 4] });
  g.output("logits", ops.linear(g.scope("head"), [pooled, g.parameter("head.weight", [2, 4], filled)], {}));
  return graphRecord(g.finish());
}

test("a graph comes back from its record as it went, by way of JSON", () => {
  const record = example();
  assert.deepEqual(graphRecord(readGraphRecord(JSON.parse(JSON.stringify(record)))), record);
});

/** The record with one node changed. */
function withNode(index: number, change: object): unknown {
  const record = example();
  return { ...record, nodes: record.nodes.map((node, i) => (i === index ? { ...node, ...change } : node)) };
}

const attrs = { stride: [2, 2], padding: [1, 1, 1, 1], groups: 1, similarity: "product" };
const refused: readonly (readonly [what: string, record: unknown, reason: RegExp])[] = [
  ["no object", null, /^m: needed is an object of leaves, nodes, outputs/],
  ["a list", [], /needed is an object/],
  ["more keys than there are", { ...example(), updates: [] }, /needed is an object of leaves, nodes, outputs/],
  ["an unknown op", withNode(0, { op: "conv2s" }), /node 0: no stored graph has an op "conv2s"; did you mean "conv2d"\?/],
  ["an op of training", withNode(0, { op: "adamw" }), /no stored graph has an op "adamw"/],
  ["an op called as a property of every object", withNode(0, { op: "constructor" }), /no stored graph has an op "constructor"/],
  ["a value that comes later", withNode(0, { reads: [0, 5] }), /node 0: value 5, needed one of the 3 before it/],
  ["a value below 0", withNode(0, { reads: [0, -1] }), /value -1/],
  ["an operand too few", withNode(0, { reads: [0] }), /node 0: /],
  [
    "an attribute that is absent",
    withNode(0, { attrs: { ...attrs, groups: undefined } }),
    /node 0: groups is absent, needed a whole number from 0 on/,
  ],
  ["an attribute of another type", withNode(0, { attrs: { ...attrs, stride: "22" } }), /stride is "22", needed a list/],
  ["an attribute out of range", withNode(0, { attrs: { ...attrs, groups: 2 ** 40 } }), /groups is 1099511627776/],
  ["an attribute that is unknown", withNode(0, { attrs: { ...attrs, fast: true } }), /no attribute "fast"/],
  ["an unknown similarity", withNode(0, { attrs: { ...attrs, similarity: "cosine" } }), /similarity is "cosine", needed one of product/],
  ["a stride of 0", withNode(0, { attrs: { ...attrs, stride: [0, 1] } }), /stride must be two positive integers/],
  ["a number that is none", withNode(1, { attrs: { low: null, high: 4 } }), /low is null, needed a finite number/],
  ["a shape of more elements than there are", withNode(3, { attrs: { shape: [2, 2] } }), /has 4 elements|needs 4/],
  ["a leaf of no size", { ...example(), leaves: [{ kind: "input", name: "image", shape: [0, 3] }] }, /leaf 0: needed is a shape/],
  ["a leaf too large", { ...example(), leaves: [{ kind: "input", name: "image", shape: [2 ** 20, 2 ** 20] }] }, /at most 2³¹ elements/],
  [
    "a leaf of another kind",
    { ...example(), leaves: [{ kind: "constant", name: "image", shape: [1] }] },
    /kind is "constant", needed one of input/,
  ],
  [
    "two leaves of one name",
    { ...example(), leaves: [...example().leaves, { kind: "state", name: "image", shape: [1] }] },
    /leaf 3: needed is a name of its own, found "image"/,
  ],
  ["an output that nothing computes", { ...example(), outputs: { logits: 99 } }, /output "logits": value 99/],
  ["nodes without end", { ...example(), nodes: Array(100_001).fill(0) }, /nodes: needed is a list of at most 100000/],
];

for (const [what, record, reason] of refused) {
  test(`refused: ${what}`, () => {
    assert.throws(
      () => readGraphRecord(record, "m"),
      (error: unknown) => {
        assert.ok(error instanceof FormatError, `${error}`);
        assert.match(error.message, reason);
        return true;
      },
    );
  });
}

test("graphs with constants, epilogues or ops of training are not stored", () => {
  const g = graphScope();
  g.output("y", ops.add(g, [g.input("x", [1, 2]), g.constant([1, 2], new Float32Array(2))], {}));
  assert.throws(() => graphRecord(g.finish()), /a constant cannot be stored/);
  const h = graphScope();
  h.output("y", ops.reluGradient(h, [h.input("x", [1, 2]), h.input("z", [1, 2])], {}));
  assert.throws(() => graphRecord(h.finish()), /reluGradient cannot be stored/);
});
