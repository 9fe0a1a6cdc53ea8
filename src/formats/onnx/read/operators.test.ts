/** Every operator that is read gives what onnxruntime gives, with the attributes that exporters write. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as ort from "onnxruntime-node";
import { referenceBackend } from "../../../backends/reference/index.ts";
import { wasmBackend } from "../../../backends/wasm/index.ts";
import { optimise } from "../../../passes/index.ts";
import { fileOf, number, numbers, type TestFile, type TestNode, whole } from "./files.testing.ts";
import { readOnnx } from "./index.ts";
import { files, on, weights } from "./operatorFiles.testing.ts";

/** Of the largest number. */
const ALLOWED = 2e-5;

async function expectSame(given: TestFile): Promise<readonly string[]> {
  const file = fileOf(given);
  const { inputs = { x: [1, 4, 6, 5] } } = given;
  const feeds = Object.fromEntries(Object.entries(inputs).map(([name, shape]) => [name, numbers(name, ...shape)]));
  const session = await ort.InferenceSession.create(file, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  const wanted = await session.run(
    Object.fromEntries(Object.entries(feeds).map(([name, { shape, data }]) => [name, new ort.Tensor("float32", data, [...shape])])),
  );
  await session.release();
  const { graph, weights } = readOnnx(file);
  const optimised = optimise(graph, weights);
  for (const backend of [referenceBackend, wasmBackend]) {
    using ours = await backend.open(optimised.graph, optimised.weights);
    const found = ours.run(feeds);
    for (const [name, { dims, data }] of Object.entries(wanted)) {
      assert.deepEqual([...found[name].shape], [...dims], `${name} on ${backend.name}`);
      const most = (data as Float32Array).reduce((largest, x) => Math.max(largest, Math.abs(x)), 1e-6);
      const worst = (data as Float32Array).reduce((largest, x, i) => Math.max(largest, Math.abs(x - found[name].data[i])), 0);
      assert.ok(worst <= ALLOWED * most, `${name} on ${backend.name}: off by ${worst} of ${most}`);
    }
  }
  return optimised.graph.nodes.flatMap(({ op, epilogue }) => [op.name, ...epilogue.map((fused) => fused.op.name)]);
}

for (const [name, file] of Object.entries(files)) test(name, async () => void (await expectSame(file)));

/** Compositions in which exporters write one function, and the ops that they become. */
const compositions: readonly (readonly [what: string, file: TestFile, ops: readonly string[]])[] = [
  [
    "SiLU",
    {
      nodes: [
        { type: "Sigmoid", inputs: ["x"], outputs: ["s"] },
        { type: "Mul", inputs: ["x", "s"] },
      ],
    },
    ["silu"],
  ],
  [
    "hard-swish: x · clip(x + 3, 0, 6) / 6",
    {
      nodes: [
        { type: "Add", inputs: ["x", "three"], outputs: ["a"] },
        { type: "Clip", inputs: ["a", "zero", "six"], outputs: ["c"] },
        { type: "Mul", inputs: ["x", "c"], outputs: ["m"] },
        { type: "Div", inputs: ["m", "six"] },
      ],
      constants: { three: number(3), zero: number(0), six: number(6) },
    },
    ["hardSwish"],
  ],
  [
    "hard-swish: x · (clip(x + 3, 0, 6) / 6)",
    {
      nodes: [
        { type: "Add", inputs: ["three", "x"], outputs: ["a"] },
        { type: "Clip", inputs: ["a", "zero", "six"], outputs: ["c"] },
        { type: "Mul", inputs: ["c", "sixth"], outputs: ["g"] },
        { type: "Mul", inputs: ["g", "x"] },
      ],
      constants: { three: number(3), zero: number(0), six: number(6), sixth: number(1 / 6) },
    },
    ["hardSwish"],
  ],
  [
    "hard-swish: x · HardSigmoid",
    {
      nodes: [
        { type: "HardSigmoid", inputs: ["x"], outputs: ["s"], attributes: { alpha: { float: 1 / 6 } } },
        { type: "Mul", inputs: ["x", "s"] },
      ],
    },
    ["hardSwish"],
  ],
  ["ReLU6", { nodes: on("Clip", {}, ["low", "high"]), constants: { low: number(0), high: number(6) } }, ["relu6"]],
  [
    "a shuffle of channels",
    {
      nodes: [
        { type: "Reshape", inputs: ["x", "apart"], outputs: ["a"] },
        { type: "Transpose", inputs: ["a"], outputs: ["t"], attributes: { perm: [0, 2, 1, 3, 4] } },
        { type: "Reshape", inputs: ["t", "together"] },
      ],
      constants: { apart: whole(1, 2, 2, 6, 5), together: whole(1, 4, 6, 5) },
    },
    ["channelShuffle"],
  ],
  [
    "a layer with its normalisation and its scale",
    {
      nodes: [
        { type: "Conv", inputs: ["x", "w"], outputs: ["c"], attributes: { group: 2 } },
        { type: "Mul", inputs: ["c", "s"], outputs: ["m"] },
        { type: "Add", inputs: ["m", "b"], outputs: ["a"] },
        { type: "Relu", inputs: ["a"] },
      ],
      constants: { w: weights, s: numbers("s", 1, 8, 1, 1), b: numbers("b", 8, 1, 1) },
    },
    ["conv2d", "relu"],
  ],
  [
    "integers between layers, ranges kept as bounds",
    {
      nodes: [
        { type: "QuantizeLinear", inputs: ["x", "s", "z"], outputs: ["q"] },
        { type: "DequantizeLinear", inputs: ["q", "s", "z"], outputs: ["d"] },
        { type: "Identity", inputs: ["d"] },
      ],
      constants: { s: number(2 ** -12), z: { shape: [], data: Uint8Array.of(3) } },
    },
    ["clip"],
  ],
];

for (const [what, file, ops] of compositions) {
  test(`${what} is recognised`, async () => {
    const compared = what.startsWith("integers") ? readOnnx(fileOf(file)) : undefined;
    if (compared) assert.deepEqual(compared.graph.nodes.at(-1)?.attrs, { low: -3 * 2 ** -12, high: 252 * 2 ** -12 });
    else assert.deepEqual(await expectSame(file), ops);
  });
}

test("stored integers are what they stand for, by channel", async () => {
  const nodes: readonly TestNode[] = [
    { type: "DequantizeLinear", inputs: ["q", "s", "z"], outputs: ["w"], attributes: { axis: 0 } },
    { type: "Gemm", inputs: ["x", "w"], attributes: { transB: 1 } },
  ];
  const q = { shape: [3, 4], data: Int8Array.from({ length: 12 }, (_, i) => i * 7 - 40) };
  const constants = { q, s: { shape: [3], data: Float32Array.of(0.5, 0.25, 1) }, z: { shape: [3], data: Int8Array.of(1, -2, 0) } };
  assert.deepEqual(await expectSame({ nodes, constants, inputs: { x: [1, 4] } }), ["linear"]);
});
