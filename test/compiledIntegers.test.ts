/** Every family in integers as a compiled file: the session's logits, relaxed and plain. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { interpret } from "../src/backends/reference/index.ts";
import { wasmBackend } from "../src/backends/wasm/index.ts";
import { preprocessingFor } from "../src/data/preprocessing.ts";
import { openRunner } from "../src/deploy/loader.ts";
import { compileFile } from "../src/deploy/wasmFile.ts";
import { fold } from "../src/passes/index.ts";
import { quantizeGraph } from "../src/quantize/quantize.ts";
import { randomInputs } from "./lib/randomWeights.ts";
import { rangesOf } from "./lib/ranges.ts";
import { inferenceNetwork, representatives } from "./lib/smallNetworks.ts";

for (const name of representatives) {
  test(`${name}: integers, compiled, give the session's bits, relaxed and plain, run after run`, async () => {
    const given = inferenceNetwork(name);
    const folded = fold(given.graph, given.weights);
    const { graph, weights } = quantizeGraph(folded, rangesOf(interpret(folded.graph, folded.weights, randomInputs(folded.graph))));
    const image = randomInputs(graph).get("image");
    assert.ok(image);
    const [, channels, size] = image.shape;
    const labels = Array.from({ length: graph.outputs.logits.shape[1] }, (_, i) => `label ${i}`);
    const card = { labels, preprocessing: preprocessingFor({ size, channels: channels as 3, fit: "crop" }) };
    const { wasm } = await compileFile(graph, weights, card);
    for (const isRelaxedAllowed of [true, false]) {
      using session = await wasmBackend.open(graph, weights, { isRelaxedAllowed });
      const runner = await openRunner(wasm, { isRelaxedAllowed });
      if (isRelaxedAllowed)
        assert.equal(runner.isRelaxed, WebAssembly.Module.customSections(new WebAssembly.Module(wasm), "goldcrest.relaxed").length > 0);
      for (let turn = 0; turn < 2; turn++) {
        for (const { data, strides } of [runner.view("image"), session.view("image")]) {
          const area = size * size;
          for (let i = 0; i < image.data.length; i++) data[(i % area) * strides[3] + Math.floor(i / area)] = image.data[i];
        }
        runner.runInPlace();
        session.runInPlace();
        const count = labels.length;
        assert.deepEqual(runner.view("logits").data.subarray(0, count), session.view("logits").data.subarray(0, count));
      }
    }
  });
}
