/** Networks of every kind go out as ONNX, give the same logits in another engine, and come back as they went. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as ort from "onnxruntime-node";
import { wasmBackend } from "../src/backends/wasm/index.ts";
import { random } from "../src/core/random.ts";
import { size } from "../src/core/shape.ts";
import type { Tensor } from "../src/core/tensor.ts";
import { encodeGraphAsOnnx } from "../src/formats/onnx/encode.ts";
import { readOnnx } from "../src/formats/onnx/read/index.ts";
import type { Graph } from "../src/ir/graph.ts";
import { optimise } from "../src/passes/index.ts";
import { removeDead } from "../src/passes/removeDead.ts";
import { inferenceNetwork, representatives } from "./lib/smallNetworks.ts";

/** Of the largest logit. */
const ALLOWED = 1e-4;

function imageOf(graph: Graph): { readonly name: string; readonly image: Tensor } {
  const { name = "", shape } = graph.leaves.find(({ kind }) => kind === "input") as Graph["leaves"][number];
  const stream = random(3, "image");
  return { name, image: { shape, data: Float32Array.from({ length: size(shape) }, (_, i) => 3 * stream.uniform(i) - 1.5) } };
}

async function ours(graph: Graph, weights: ReadonlyMap<string, Tensor>): Promise<Float32Array> {
  const { name, image } = imageOf(graph);
  const optimised = optimise(graph, weights);
  using session = await wasmBackend.open(optimised.graph, optimised.weights);
  return session.run({ [name]: image }).logits.data;
}

async function theirs(file: Uint8Array, graph: Graph): Promise<Float32Array> {
  const { name, image } = imageOf(graph);
  const session = await ort.InferenceSession.create(file, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  try {
    const { logits } = await session.run({ [name]: new ort.Tensor("float32", image.data, [...image.shape]) });
    return logits.data as Float32Array;
  } finally {
    await session.release();
  }
}

function assertSame(found: ArrayLike<number>, wanted: Float32Array, what: string): void {
  const most = wanted.reduce((largest, x) => Math.max(largest, Math.abs(x)), 0);
  const worst = wanted.reduce((largest, x, i) => Math.max(largest, Math.abs(x - found[i])), 0);
  assert.ok(most > 1e-3, "the logits are all but zero: the comparison would say nothing");
  assert.equal(found.length, wanted.length);
  assert.ok(worst <= ALLOWED * most, `${what}: off by ${worst} of ${most}`);
}

/** How often each op stands in a graph, as it runs. */
function census({ graph, weights }: { graph: Graph; weights: ReadonlyMap<string, Tensor> }): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { op } of optimise(graph, weights).graph.nodes) counts[op.name] = (counts[op.name] ?? 0) + 1;
  return Object.fromEntries(Object.entries(counts).sort());
}

for (const name of representatives) {
  test(`${name}: out, elsewhere and back`, async () => {
    const { graph, weights } = inferenceNetwork(name, { batch: 1 });
    const file = encodeGraphAsOnnx(graph, weights);
    const wanted = await ours(graph, weights);
    assertSame(await theirs(file, graph), wanted, "in onnxruntime");
    const back = readOnnx(file);
    assertSame(await ours(back.graph, back.weights), wanted, "come back");
    if (!census({ graph, weights }).dynamicShiftMax)
      assert.deepEqual(census({ ...back, graph: removeDead(back.graph) }), census({ graph, weights }), "ops");
  });
}
