/** The pass on a small graph, before and after as text (test/expected/passes/), and what it leaves alone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { matchExpected } from "../../test/lib/expected.ts";
import type { Graph, Value } from "../ir/graph.ts";
import type { Range } from "../ir/integer.ts";
import { print } from "../ir/print.ts";
import { graphScope, type Scope } from "../ir/scope.ts";
import { verify } from "../ir/verify.ts";
import { ops } from "../ops/index.ts";
import { activeRange, clampOf, functionOf, quantisedRange } from "./quantisation.ts";
import { toInteger } from "./toInteger.ts";

const init = { kind: "constant", value: 1 } as const;
const one = { stride: [1, 1], padding: [0, 0, 0, 0], groups: 1, similarity: "product" } as const;

function conv(g: Scope, x: Value, out: number): Value {
  const weight = g.parameter("weight", [out, x.shape[1], 1, 1], init);
  return ops.conv2d(g, [x, weight, g.parameter("bias", [out], init)], one);
}

/** Every activation between −1 and 3. */
function ranges(graph: Graph): Map<Value, Range> {
  const values = [...graph.leaves.filter(({ kind }) => kind === "input"), ...graph.nodes.flatMap(({ outputs }) => outputs)];
  return new Map(values.map((value) => [value, { low: -1, high: 3 }]));
}

test("clamps become bounds, other functions tables, the last layer stays floats", () => {
  const g = graphScope();
  const x = ops.relu(g.scope("first"), [conv(g.scope("first"), g.input("image", [1, 3, 2, 2]), 4)], {});
  const depthwise = g.scope("depthwise").parameter("weight", [4, 1, 1, 1], init);
  const y = ops.hardSwish(g.scope("depthwise"), [ops.conv2d(g.scope("depthwise"), [x, depthwise], { ...one, groups: 4 })], {});
  const sum = ops.add(g.scope("sum"), [x, y], {});
  g.output("y", conv(g.scope("last"), ops.concat(g.scope("both"), [sum, x], { axis: 1 }), 2));
  const graph = g.finish();
  const integer = toInteger(graph, ranges(graph));
  verify(integer.graph);
  matchExpected("passes/toInteger.txt", `${print(graph)}\nbecomes\n\n${print(integer.graph)}`);
  assert.deepEqual(integer.floats, []);
});

test("a mean has 7 bits also where a function is behind it, which is a table of its own", () => {
  const g = graphScope();
  const mean = ops.globalAveragePool(g, [g.input("image", [1, 4, 2, 2])], {});
  g.output("y", conv(g.scope("last"), ops.hardSwish(g, [mean], {}), 2));
  const graph = g.finish();
  const { graph: integer, quantised } = toInteger(graph, ranges(graph));
  verify(integer);
  assert.deepEqual(
    integer.nodes.map(({ op }) => op.name),
    ["quantise", "integerGlobalAveragePool", "lookup", "integerConv2d"],
  );
  assert.deepEqual(quantised.get(mean), quantisedRange({ low: -1, high: 3 }, "u7"));
});

test("what has no integer form stays float between conversions, and is named", () => {
  const g = graphScope();
  const x = conv(g.scope("first"), g.input("image", [1, 3, 2, 2]), 4);
  const weight = g.scope("mitchell").parameter("weight", [4, 4, 1, 1], init);
  const y = ops.conv2d(g.scope("mitchell"), [x, weight], { ...one, similarity: "mitchell" });
  g.output("y", conv(g.scope("last"), y, 2));
  const graph = g.finish();
  const { graph: integer, floats } = toInteger(graph, ranges(graph));
  verify(integer);
  assert.deepEqual(
    integer.nodes.map(({ op }) => op.name),
    ["quantise", "integerConv2d", "conv2d", "quantise", "integerConv2d"],
  );
  assert.deepEqual(
    floats.map(({ scope }) => scope),
    ["mitchell"],
  );
});

test("a normalisation behind distances, which no weight can carry, is part of the layer", () => {
  const g = graphScope();
  const weight = g.parameter("weight", [4, 3, 1, 1], init);
  const y = ops.conv2d(g, [g.input("image", [1, 3, 2, 2]), weight], { ...one, similarity: "l1" });
  const vectors = ["gamma", "beta", "mean", "var"].map((name) => g.parameter(name, [4], init));
  const x = ops.relu(g, [ops.batchNorm(g, [y, ...vectors], { eps: 1e-5 })], {});
  g.output("y", conv(g.scope("last"), x, 2));
  const graph = g.finish();
  const { graph: integer, floats, filters } = toInteger(graph, ranges(graph));
  verify(integer);
  assert.deepEqual(
    integer.nodes.map(({ op }) => op.name),
    ["quantise", "integerConv2d", "integerConv2d"],
  );
  assert.deepEqual(floats, []);
  assert.deepEqual(filters[0].norm, { gamma: "gamma", beta: "beta", mean: "mean", variance: "var", eps: 1e-5 });
});

test("values that ops only move stand for the same, whatever their own ranges are", () => {
  const g = graphScope();
  const image = g.input("image", [1, 4, 2, 2]);
  const [a, b] = ["a", "b"].map((name) => conv(g.scope(name), image, 4));
  const both = ops.channelShuffle(g, [ops.concat(g, [a, b], { axis: 1 })], { groups: 2 });
  g.output("y", conv(g.scope("last"), both, 2));
  const graph = g.finish();
  const known = ranges(graph);
  known.set(a, { low: -5, high: 1 });
  const { quantised } = toInteger(graph, known);
  assert.deepEqual(quantised.get(a), quantisedRange({ low: -5, high: 3 }, "u7"));
  for (const value of [b, both]) assert.deepEqual(quantised.get(value), quantised.get(a));
});

test("a range always holds 0, at an integer of its own", () => {
  assert.deepEqual(quantisedRange({ low: 2, high: 12.7 }, "u7"), { scale: Math.fround(0.1), zero: 0 });
  assert.deepEqual(quantisedRange({ low: -255, high: -3 }, "u8"), { scale: 1, zero: 255 });
  assert.deepEqual(quantisedRange({ low: 0, high: 0 }, "u7"), { scale: 1, zero: 0 });
});

test("clamps are told from other functions by what they do", () => {
  const of = (name: "relu6" | "relu" | "hardSwish" | "sigmoid") => functionOf({ op: ops[name], attrs: {} });
  const range = { low: -9, high: 9 };
  assert.deepEqual(clampOf(of("relu6"), range), { low: 0, high: 6 });
  assert.deepEqual(clampOf(of("relu"), range), { low: 0, high: 1e9 });
  for (const name of ["hardSwish", "sigmoid"] as const) assert.equal(clampOf(of(name), range), undefined);
  const { low, high } = activeRange(of("hardSwish"), range, 0.01);
  assert.ok(low > -3.1 && low < -2.9 && high === 9, `hard-swish is flat below −3: ${low} to ${high}`);
});
