import assert from "node:assert/strict";
import { test } from "node:test";
import { inferenceNetwork } from "../../test/lib/smallNetworks.ts";
import { wasmBackend } from "../backends/wasm/index.ts";
import type { Tensor } from "../core/tensor.ts";
import { fold } from "../passes/index.ts";
import { type Batches, calibrate } from "./calibrate.ts";

test("a large graph is looked at in parts, with the same result", async () => {
  const network = inferenceNetwork("shufflenet-v2");
  const folded = fold(network.graph, network.weights);
  const [{ shape }] = folded.graph.leaves.filter(({ kind }) => kind === "input");
  const batches: Batches = async function* () {
    for (let image = 0; image < 8; image++) {
      const data = Float32Array.from({ length: 3 * 32 * 32 }, (_, i) => ((i * 37 + image * 101) % 255) / 255);
      yield { image: { shape, data } satisfies Tensor };
    }
  };
  const calibration = { ...folded, batches, backend: wasmBackend };
  const [whole, parts] = [await calibrate(calibration), await calibrate({ ...calibration, mostElements: 5000 })];
  assert.ok(whole.size > 50);
  assert.deepEqual([...parts], [...whole]);
});
