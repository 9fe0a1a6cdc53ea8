import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../core/random.ts";
import type { Tensor } from "../core/tensor.ts";
import type { Node } from "../ir/graph.ts";
import { graphScope } from "../ir/scope.ts";
import { conv2d } from "../ops/conv2d.ts";
import { MOST_WEIGHT } from "../ops/integerSums.ts";
import type { FilterTask } from "../passes/toInteger.ts";
import { filterFault } from "./checkFilters.ts";
import { integerWeights } from "./filters.ts";

const g = graphScope();
const source = g.input("x", [1, 4, 8, 8]);
const filter = g.parameter("w", [6, 4, 1, 1], { kind: "constant", value: 0 });
const { producer } = conv2d(g, [source, filter], { stride: [1, 1], padding: [0, 0, 0, 0], groups: 1, similarity: "product" });
const wide = { weight: "w.integers", ratio: "w.ratio", offset: "w.offset" };
const narrow = { weight: "w.integers", bias: "w.bias", factor: "w.factor" };
const input = { scale: 0.05, zero: 3 };
const output = { scale: 0.08, zero: 20 };

function task(kind: "wide" | "narrow", more: Partial<FilterTask> = {}): FilterTask {
  const leaves = kind === "wide" ? { kind, ...wide } : { kind, ...narrow };
  return { weight: "w", bias: "b", layer: producer as Node, input, output, to: "u7", similarity: "product", leaves, ...more };
}

function drawn(name: string, shape: readonly number[], scale = 1): Tensor {
  const { normal } = random(5, name);
  return { shape, data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => scale * normal(i)) };
}

const at = (leaves: ReadonlyMap<string, Tensor>, name: string): Float32Array => (leaves.get(name) as Tensor).data;

test("every output of a wide layer uses the whole range of its weights, and its offset holds bias and zero points", () => {
  const weights = new Map([
    ["w", drawn("w", [6, 4, 3, 3])],
    ["b", drawn("b", [6])],
  ]);
  const leaves = integerWeights([task("wide")], weights);
  assert.equal(filterFault([task("wide")], leaves), undefined);
  for (let o = 0; o < 6; o++) {
    const integers = at(leaves, "w.integers").subarray(o * 36, (o + 1) * 36);
    assert.equal(
      integers.reduce((most, q) => Math.max(most, Math.abs(q)), 0),
      127,
    );
    // An image of nothing but zero points gives the bias alone.
    const sum = input.zero * integers.reduce((a, b) => a + b, 0);
    const found = sum * at(leaves, "w.ratio")[o] + at(leaves, "w.offset")[o];
    assert.ok(Math.abs(found - (at(weights, "b")[o] / output.scale + output.zero + 0.5)) < 1e-3);
  }
});

test("filters of one sign, of many taps and of large biases keep to sums of 16 bits", () => {
  for (const [kernel, bias] of [
    [3, 1],
    [7, 1],
    [3, 50],
  ] as const) {
    const filters = drawn("w", [8, 1, kernel, kernel], 0.3);
    for (let i = 0; i < filters.data.length / 2; i++) filters.data[i] = Math.abs(filters.data[i]);
    const weights = new Map([
      ["w", filters],
      ["b", drawn("b", [8], bias)],
    ]);
    const leaves = integerWeights([task("narrow")], weights);
    assert.equal(filterFault([task("narrow")], leaves), undefined);
    const perFactor = output.scale / input.scale / 32_768;
    for (const [i, weight] of filters.data.entries()) {
      const step = at(leaves, "w.factor")[Math.floor(i / kernel ** 2)] * perFactor;
      assert.ok(Math.abs(at(leaves, "w.integers")[i] * step - weight) <= step / 2 + 1e-6, "weights are the nearest integers");
    }
  }
});

test("a filter of zeros is no reason for infinite scales", () => {
  const weights = new Map([["w", { shape: [4, 1, 3, 3], data: new Float32Array(36) }]]);
  for (const kind of ["wide", "narrow"] as const) {
    const leaves = integerWeights([task(kind, { bias: undefined })], weights);
    assert.equal(filterFault([task(kind)], leaves), undefined);
    for (const { data } of leaves.values()) assert.ok(data.every(Number.isFinite));
  }
});

test("a corrected bias takes out what rounding adds to the mean", () => {
  const weights = new Map([
    ["w", drawn("w", [5, 4, 1, 1])],
    ["b", drawn("b", [5])],
  ]);
  const means = Float64Array.of(1.5, 0.2, 3, 0.7);
  const leaves = integerWeights([task("wide")], weights, () => means);
  for (let o = 0; o < 5; o++) {
    let [wanted, sum] = [at(weights, "b")[o], 0];
    for (let i = 0; i < 4; i++) {
      wanted += at(weights, "w")[o * 4 + i] * means[i];
      sum += at(leaves, "w.integers")[o * 4 + i] * (means[i] / input.scale + input.zero);
    }
    const found = (sum * at(leaves, "w.ratio")[o] + at(leaves, "w.offset")[o] - output.zero - 0.5) * output.scale;
    assert.ok(Math.abs(found - wanted) < 1e-4, `output ${o}: ${found}, wanted ${wanted}`);
  }
});

test("distances keep the input's scale; what their weights of 7 bits cannot hold is in the offset, exactly", () => {
  const weights = new Map([["w", drawn("w", [3, 4, 1, 1], 3)]]);
  const leaves = integerWeights([task("wide", { bias: undefined, similarity: "l1" })], weights);
  const pixels = [0, 17, 127, 64];
  for (let o = 0; o < 3; o++) {
    let [wanted, sum] = [0, 0];
    for (let i = 0; i < 4; i++) {
      const place = Math.round(at(weights, "w")[o * 4 + i] / input.scale + input.zero);
      wanted -= Math.abs(pixels[i] - place) * input.scale;
      sum -= Math.abs(pixels[i] - at(leaves, "w.integers")[o * 4 + i]);
    }
    const found = (sum * at(leaves, "w.ratio")[o] + at(leaves, "w.offset")[o] - output.zero - 0.5) * output.scale;
    assert.ok(Math.abs(found - wanted) < 1e-3, `output ${o}: ${found}, wanted ${wanted}`);
  }
});

test("a normalisation behind a layer is part of its ratio and its offset", () => {
  const weights = new Map([
    ["w", drawn("w", [3, 4, 1, 1])],
    ["gamma", drawn("gamma", [3])],
    ["beta", drawn("beta", [3])],
    ["mean", drawn("mean", [3])],
    ["var", { shape: [3], data: Float32Array.of(0.5, 1, 2) }],
  ]);
  const norm = { gamma: "gamma", beta: "beta", mean: "mean", variance: "var", eps: 0.1 };
  const [plain, normed] = [undefined, norm].map((each) => integerWeights([task("wide", { bias: undefined, norm: each })], weights));
  for (let o = 0; o < 3; o++) {
    const scale = at(weights, "gamma")[o] / Math.sqrt(at(weights, "var")[o] + 0.1);
    assert.ok(Math.abs(at(normed, "w.ratio")[o] - at(plain, "w.ratio")[o] * scale) < 1e-6);
    const value = (leaves: ReadonlyMap<string, Tensor>): number => (at(leaves, "w.offset")[o] - output.zero - 0.5) * output.scale;
    const wanted = value(plain) * scale + at(weights, "beta")[o] - at(weights, "mean")[o] * scale;
    assert.ok(Math.abs(value(normed) - wanted) < 1e-4);
  }
});

test("leaves that kernels cannot compute with are refused by name", () => {
  const weights = new Map([["w", drawn("w", [2, 1, 3, 3])]]);
  const leaves = integerWeights([task("narrow", { bias: undefined })], weights);
  const faultWith = (name: string, value: number): string | undefined => {
    const changed = new Map(leaves);
    const { shape, data } = leaves.get(name) as Tensor;
    changed.set(name, { shape, data: data.map(() => value) });
    return filterFault([task("narrow")], changed);
  };
  assert.equal(faultWith("w.integers", 1.5), '"w.integers" holds 1.5, needed are integers from -128 to 127');
  assert.equal(faultWith("w.integers", 100), `the weights of output 0 of "w.integers" add up to 900, needed are at most ${MOST_WEIGHT}`);
  assert.equal(faultWith("w.bias", 40_000), '"w.bias" holds 40000, needed are integers of 16 bits');
  assert.equal(faultWith("w.factor", 0), '"w.factor" holds 0, needed are integers from 1 to 32767');
  const wideLeaves = integerWeights([task("wide", { bias: undefined })], weights);
  wideLeaves.set("w.ratio", { shape: [2], data: Float32Array.of(1e9, 1) });
  assert.match(filterFault([task("wide")], wideLeaves) ?? "", /^output 0 of "w.integers" may leave 32 bits: ratio 1000000000$/);
});
