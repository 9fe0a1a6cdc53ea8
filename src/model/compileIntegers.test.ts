import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../core/random.ts";
import type { Tensor } from "../core/tensor.ts";
import { compile } from "../index.ts";
import { buildNetwork } from "../networks/index.ts";
import { initialise } from "../train/initialise.ts";
import { compileIntegers } from "./compileIntegers.ts";

const graph = buildNetwork("mobilenet-v3-small", { size: 32, width: 0.5, classes: 7 });
const weights = initialise(graph, 1);

function image(seed: number): { readonly image: Tensor } {
  const { normal } = random(seed, "image");
  return { image: { shape: [1, 3, 32, 32], data: Float32Array.from({ length: 3 * 32 * 32 }, (_, i) => normal(i)) } };
}

test("a graph with weights runs in integers once it has seen samples, without falling back", async () => {
  using session = await compileIntegers(
    graph,
    weights,
    Array.from({ length: 8 }, (_, i) => image(i)),
  );
  using floating = await compile(graph, weights);
  assert.deepEqual(session.fallbacks, []);
  const [found, wanted] = [session, floating].map((each) => each.run(image(2)).logits.data);
  const most = wanted.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  for (const [i, x] of found.entries()) assert.ok(Math.abs(x - wanted[i]) < 0.3 * most, `logit ${i}: ${x}, in floats ${wanted[i]}`);
});

test("too few samples are refused", async () => {
  await assert.rejects(compileIntegers(graph, weights, [image(1)]), /^DataError: calibration needs at least 8 images, found 1$/);
  await assert.rejects(compileIntegers(graph, weights, []), /^DataError: calibration needs at least 8 images, found none$/);
});
