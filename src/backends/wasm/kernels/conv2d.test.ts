import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../../../core/random.ts";
import { type Shape, size } from "../../../core/shape.ts";
import { graphScope } from "../../../ir/scope.ts";
import { ops } from "../../../ops/index.ts";
import { evaluate } from "../../reference/index.ts";
import { wasmBackend } from "../index.ts";
import { assertAgreement } from "./agreement.testing.ts";
import { type ConvolutionCase, convolutionCases } from "./convolutionCases.testing.ts";

const of = (x: Shape, weight: Shape, stride: number, padding: number, groups = 1): ConvolutionCase => {
  return { x, weight, stride: [stride, stride], padding: [padding, padding, padding, padding], groups };
};

async function assertConvolution({ x, weight, ...attrs }: ConvolutionCase, options?: Parameters<typeof assertAgreement>[3]): Promise<void> {
  await assertAgreement(ops.conv2d, [x, weight, [weight[0]]], { ...attrs, similarity: "product" }, options);
}

const describe = ({ x, weight, stride, padding, groups }: ConvolutionCase): string => {
  return `${x.join("×")} * ${weight.join("×")} stride ${stride.join()} padding ${padding.join()} groups ${groups}`;
};

for (const each of convolutionCases) {
  test(`${describe(each)} agrees with the reference`, async () => {
    const { x, weight, ...attrs } = each;
    await assertAgreement(ops.conv2d, [x, weight], { ...attrs, similarity: "product" });
    await assertConvolution(each, { epilogue: [ops.hardSwish, ops.relu6] });
  });
}

test("every number of pixels, thus every kind of tile, agrees", async () => {
  for (let width = 1; width < 27; width++) await assertConvolution(of([1, 6, 1, width], [9, 6, 1, 1], 1, 0));
});

test("weights beyond the cache, read once for all pixels, agree", async () => {
  await assertConvolution(of([1, 320, 3, 5], [604, 320, 1, 1], 1, 0));
  await assertConvolution(of([1, 96, 4, 4], [100, 96, 3, 3], 1, 1));
});

test("weights beyond the cache under many pixels agree", async () => {
  await assertConvolution(of([1, 132, 15, 15], [516, 132, 1, 1], 1, 0));
});

test("depthwise rows of every width agree at both strides", async () => {
  for (let width = 3; width < 18; width++) {
    await assertConvolution(of([2, 5, 4, width], [5, 1, 3, 3], 1, 1, 5));
    await assertConvolution(of([1, 5, 5, width], [5, 1, 3, 3], 2, 1, 5));
    await assertConvolution(of([1, 5, 5, width], [5, 1, 5, 5], 2, 2, 5));
  }
});

test("depthwise channels a power of two apart agree", async () => {
  await assertConvolution(of([1, 512, 6, 6], [512, 1, 3, 3], 1, 1, 512));
});

test("a depthwise kernel too large to be written out agrees", async () => {
  await assertConvolution(of([2, 6, 13, 12], [6, 1, 11, 11], 1, 5, 6));
  await assertConvolution({ x: [1, 3, 12, 14], weight: [3, 1, 10, 12], stride: [2, 1], padding: [4, 5, 0, 7], groups: 3 });
});

test("one pixel by a fully connected layer agrees for every remainder of inputs and outputs", async () => {
  for (let channels = 3; channels < 21; channels++) {
    await assertConvolution(of([1, channels, 1, 1], [channels + 3, channels, 1, 1], 1, 0));
  }
});

test("many groups of few channels agree", async () => {
  await assertConvolution(of([1, 24, 5, 5], [36, 2, 3, 3], 1, 1, 12));
  await assertConvolution(of([1, 60, 4, 4], [60, 20, 1, 1], 1, 0, 3));
  await assertConvolution(of([2, 7, 5, 5], [21, 1, 3, 3], 2, 1, 7));
});

test("what a producer left in the padding lanes reaches no result", async () => {
  const x: Shape = [1, 5, 6, 6];
  const dense: Shape = [7, 5, 3, 3];
  const attrs = { stride: [1, 1], padding: [1, 1, 1, 1], groups: 1, similarity: "product" } as const;
  const g = graphScope();
  const weight = g.parameter("weight", dense, { kind: "constant", value: 0 });
  // hardSigmoid(0) is one half, so the padding lanes of its output are not zero.
  const gated = ops.hardSigmoid(g, [g.input("x", x)], {});
  g.output("y", ops.conv2d(g, [gated, weight], attrs));
  await assertGraph(g.finish(), new Map([["weight", dense]]), x);
});

test("an image that the graph stores is read as it lies", async () => {
  for (const channels of [3, 4]) {
    const [x, shape]: Shape[] = [
      [1, channels, 5, 5],
      [6, channels, 3, 3],
    ];
    const attrs = { stride: [1, 1], padding: [1, 1, 1, 1], groups: 1, similarity: "product" } as const;
    const g = graphScope();
    const image = g.parameter("image", x, { kind: "constant", value: 0 });
    const y = ops.conv2d(g, [image, g.parameter("weight", shape, { kind: "constant", value: 0 })], attrs);
    g.output("y", ops.add(g, [y, g.input("x", y.shape)], {}));
    await assertGraph(g.finish(), new Map([...Object.entries({ image: x, weight: shape })]), y.shape);
  }
});

test("a weight that the graph computes is packed in every run", async () => {
  for (const groups of [1, 8]) {
    const x: Shape = [1, 8, 5, 5];
    const shape: Shape = [8, 8 / groups, 3, 3];
    const attrs = { stride: [1, 1], padding: [1, 1, 1, 1], groups, similarity: "product" } as const;
    const g = graphScope();
    const weight = g.parameter("weight", shape, { kind: "constant", value: 0 });
    g.output("y", ops.conv2d(g, [g.input("x", x), ops.relu(g, [weight], {})], attrs));
    await assertGraph(g.finish(), new Map([["weight", shape]]), x);
  }
});

async function assertGraph(graph: Parameters<typeof evaluate>[0], shapes: ReadonlyMap<string, Shape>, x: Shape): Promise<void> {
  const drawn = (name: string, shape: Shape) => {
    const stream = random(3, name);
    return { shape, data: Float32Array.from({ length: size(shape) }, (_, i) => stream.normal(i)) };
  };
  const weights = new Map([...shapes].map(([name, shape]) => [name, drawn(name, shape)]));
  const inputs = { x: drawn("x", x) };
  const expected = evaluate(graph, weights, new Map(Object.entries(inputs))).get("y");
  using session = await wasmBackend.open(graph, weights);
  for (let run = 0; run < 2; run++) {
    const { y } = session.run(inputs);
    const worst = y.data.reduce((most, value, i) => Math.max(most, Math.abs(value - (expected?.data[i] ?? Number.NaN))), 0);
    assert.ok(worst < 1e-5, `run ${run} is off by ${worst}`);
  }
}

test("groups of 8 outputs and more, whatever the rest in the last panel, agree", async () => {
  for (const [groups, outputs] of [
    [2, 8],
    [4, 9],
    [2, 10],
    [4, 17],
    [3, 20],
    [2, 25],
    [2, 50],
  ]) {
    await assertConvolution(of([2, groups * 5, 4, 5], [groups * outputs, 5, 1, 1], 1, 0, groups));
    await assertConvolution(of([1, groups * 3, 5, 4], [groups * outputs, 3, 3, 3], 2, 1, groups));
  }
});

test("groups of many outputs under few pixels, cut between panels, agree", async () => {
  await assertConvolution(of([1, 400, 4, 4], [600, 200, 1, 1], 1, 0, 2));
  await assertConvolution(of([1, 272, 3, 3], [1088, 68, 1, 1], 1, 0, 4));
});
