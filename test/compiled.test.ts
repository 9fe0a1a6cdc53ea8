/** Every family as a compiled file: the bits of a session, and code that is small. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { brotliCompressSync } from "node:zlib";
import { wasmBackend } from "../src/backends/wasm/index.ts";
import { preprocessingFor } from "../src/data/preprocessing.ts";
import { openRunner } from "../src/deploy/loader.ts";
import { compileFile } from "../src/deploy/wasmFile.ts";
import { optimise } from "../src/passes/index.ts";
import { randomInputs } from "./lib/randomWeights.ts";
import { inferenceNetwork, representatives } from "./lib/smallNetworks.ts";

/** Bytes of a file without weights, compressed as web servers do; the loader adds 4,000. */
const MOST_BYTES = 50_000;

for (const name of representatives) {
  test(`${name}: compiled, it gives the session's bits, relaxed and plain, run after run`, async () => {
    const given = inferenceNetwork(name);
    const { graph, weights } = optimise(given.graph, given.weights);
    const image = randomInputs(graph).get("image");
    assert.ok(image);
    const [, channels, size] = image.shape;
    const labels = Array.from({ length: graph.outputs.logits.shape[1] }, (_, i) => `label ${i}`);
    const card = { labels, preprocessing: preprocessingFor({ size, channels: channels as 3, fit: "crop" }) };
    const { wasm, weights: file } = await compileFile(graph, weights, card, { isSeparate: true });
    assert.ok(brotliCompressSync(wasm).length <= MOST_BYTES);
    for (const isRelaxedAllowed of [true, false]) {
      using session = await wasmBackend.open(graph, weights, { isRelaxedAllowed });
      const runner = await openRunner(wasm, { isRelaxedAllowed, ...(file ? { weights: file } : {}) });
      for (let turn = 0; turn < 2; turn++) {
        for (const { data, strides } of [runner.view("image"), session.view("image")]) {
          const area = size * size;
          for (let i = 0; i < image.data.length; i++) data[(i % area) * strides[3] + Math.floor(i / area)] = image.data[i];
        }
        runner.runInPlace();
        session.runInPlace();
        assert.deepEqual(runner.view("logits").data, session.view("logits").data);
      }
    }
  });
}
