/** Models that nobody here wrote: what PyTorch exports of torchvision, and the networks of a text recogniser, beside onnxruntime. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as ort from "onnxruntime-node";
import { wasmBackend } from "../src/backends/wasm/index.ts";
import { random } from "../src/core/random.ts";
import { size } from "../src/core/shape.ts";
import { readOnnxFile } from "../src/formats/onnx/onnxFile.node.ts";
import type { OnnxReadOptions } from "../src/formats/onnx/read/index.ts";
import { optimise } from "../src/passes/index.ts";

/** Of the largest number of an output. */
const ALLOWED = 1e-4;

/** Numbers of an image of a shape. */
type Picture = (shape: readonly number[]) => Float32Array;

const noise: Picture = (shape) => {
  const stream = random(4, "noise");
  return Float32Array.from({ length: size(shape) }, (_, i) => 3 * stream.uniform(i) - 1.5);
};

/** Dark strokes in a row on white, as letters are. */
const strokes: Picture = (shape) => {
  const [, , height, width] = shape;
  return Float32Array.from({ length: size(shape) }, (_, i) => {
    const [y, x] = [Math.floor(i / width) % height, i % width];
    const isInk = y > height * 0.4 && y < height * 0.55 && x > width * 0.2 && x < width * 0.8 && (x % 9 < 3 || (y % 8 < 2 && x % 27 < 15));
    return isInk ? -2 : 2.2;
  });
};

/** Runs a file here and in onnxruntime on the same image; returns what runs here, op by op. */
async function expectSame(path: string, options: OnnxReadOptions = {}, picture = noise): Promise<Readonly<Record<string, number>>> {
  const network = await readOnnxFile(path, options);
  const { graph, weights } = optimise(network.graph, network.weights);
  const { name = "", shape } = graph.leaves.find(({ kind }) => kind === "input") as (typeof graph.leaves)[number];
  const data = picture(shape);
  using ours = await wasmBackend.open(graph, weights);
  assert.equal(ours.fallbacks.length, 0, "nodes without a kernel");
  const found = ours.run({ [name]: { shape, data } });
  const session = await ort.InferenceSession.create(path, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  const wanted = await session.run({ [name]: new ort.Tensor("float32", data, [...shape]) });
  await session.release();
  for (const [output, { dims, data: numbers }] of Object.entries(wanted)) {
    assert.deepEqual([...found[output].shape], [...dims]);
    const most = (numbers as Float32Array).reduce((largest, x) => Math.max(largest, Math.abs(x)), 0);
    const worst = (numbers as Float32Array).reduce((largest, x, i) => Math.max(largest, Math.abs(x - found[output].data[i])), 0);
    assert.ok(most > 1e-3 && worst <= ALLOWED * most, `${output}: off by ${worst} of ${most}`);
  }
  const counts: Record<string, number> = {};
  for (const { op } of graph.nodes) counts[op.name] = (counts[op.name] ?? 0) + 1;
  return counts;
}

/** What each network of torchvision becomes: ops that say whether its compositions were recognised. */
const networks: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  mobilenet_v2: { conv2d: 52, globalAveragePool: 1, reshape: 1, linear: 1 },
  mobilenet_v3_small: { conv2d: 52, multiply: 9, globalAveragePool: 10, reshape: 1, linear: 2 },
  // Its shuffles are told from reshapes and transpositions, and absorbed into what reads them.
  shufflenet_v2_x0_5: { conv2d: 56, maxPool: 1, permute: 0, globalAveragePool: 1, reshape: 1, linear: 1 },
  squeezenet1_1: { conv2d: 26, maxPool: 3, concat: 8, globalAveragePool: 1, reshape: 1 },
  mnasnet0_5: { conv2d: 52, globalAveragePool: 1, reshape: 1, linear: 1 },
  efficientnet_b0: { conv2d: 81, multiply: 16, globalAveragePool: 17, reshape: 1, linear: 1 },
  regnet_y_400mf: { conv2d: 85, multiply: 16, globalAveragePool: 17, reshape: 1, linear: 1 },
  resnet18: { conv2d: 20, maxPool: 1, globalAveragePool: 1, reshape: 1, linear: 1 },
  densenet121: { conv2d: 120, batchNorm: 62, concat: 62, maxPool: 1, averagePool: 3, globalAveragePool: 1, reshape: 1, linear: 1 },
  googlenet: { conv2d: 57, concat: 9, maxPool: 13, globalAveragePool: 1, reshape: 1, linear: 1 },
};

/** An interpreter with PyTorch, where there is one. */
const python = ["python3", "/usr/bin/python3"].find((name) => spawnSync(name, ["-c", "import torch, torchvision"]).status === 0);
const missing = python ? false : "PyTorch with torchvision is not installed (Debian: python3-torchvision)";
const SIDE = 64;

let folder = "";
before(() => {
  if (!python) return;
  folder = mkdtempSync(join(tmpdir(), "goldcrest-torchvision-"));
  const script = join(import.meta.dirname, "lib", "exportNetworks.py");
  const { status, stderr } = spawnSync(python, [script, folder, String(SIDE), ...Object.keys(networks)], { encoding: "utf8" });
  assert.equal(status, 0, stderr);
});
after(() => {
  if (folder !== "") rmSync(folder, { recursive: true, force: true });
});

for (const [name, wanted] of Object.entries(networks)) {
  test(`torchvision's ${name}`, { skip: missing }, async () => {
    const counts = await expectSame(join(folder, `${name}.onnx`));
    assert.deepEqual(Object.fromEntries(Object.keys(wanted).map((op) => [op, counts[op] ?? 0])), wanted);
  });
}

const assets = join(import.meta.dirname, "..", "node_modules", "@gutenye", "ocr-models", "assets");

test("a detector of text, as large as the image is: resizing, transposed convolutions, scales behind every layer", async () => {
  const counts = await expectSame(join(assets, "ch_PP-OCRv4_det_infer.onnx"), { size: 160 }, strokes);
  assert.deepEqual([counts.resample, counts.conv2dInputGradient], [6, 2]);
});

test("a classifier of the direction of text, of images that are no squares", async () => {
  const counts = await expectSame(join(assets, "ch_ppocr_mobile_v2.0_cls_infer.onnx"), { shapes: { x: [1, 3, 48, 192] } });
  assert.deepEqual([counts.batchNorm, counts.linear], [undefined, 1]);
});

test("a recogniser of text that pays attention is refused: what it needs is named", async () => {
  await assert.rejects(readOnnxFile(join(assets, "ch_PP-OCRv4_rec_infer.onnx"), { shapes: { x: [1, 3, 48, 192] } }), (error: Error) => {
    assert.equal(error.name, "FormatError");
    assert.match(
      error.message,
      /needs what Goldcrest does not read:\n {2}Sqrt of computed numbers {2}at .*\n {2}MatMul of two computed tensors {2}at /,
    );
    return true;
  });
});
