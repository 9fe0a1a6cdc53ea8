/** Every design of network in integers: the engine's logits are the reference's, and near those of the floats. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate, interpret } from "../src/backends/reference/index.ts";
import { wasmBackend } from "../src/backends/wasm/index.ts";
import type { ReferenceTensor, Tensor } from "../src/core/tensor.ts";
import { verify } from "../src/ir/verify.ts";
import { integerRuleOf } from "../src/ops/integerRules.ts";
import type { Weighted } from "../src/passes/foldConstants.ts";
import { fold } from "../src/passes/index.ts";
import { type Quantized, quantizeGraph } from "../src/quantize/quantize.ts";
import { randomInputs } from "./lib/randomWeights.ts";
import { rangesOf } from "./lib/ranges.ts";
import { inferenceNetwork, representatives } from "./lib/smallNetworks.ts";

/** Integers for exactly the range that one image takes. */
function quantized({ graph, weights }: Weighted): Quantized {
  return quantizeGraph({ graph, weights }, rangesOf(interpret(graph, weights, randomInputs(graph))));
}

function logitsOf({ graph, weights }: Weighted, inputs: ReadonlyMap<string, Tensor>): Float64Array {
  return (evaluate(graph, weights, inputs).get("logits") as ReferenceTensor).data;
}

for (const name of representatives) {
  test(`${name} in integers gives the reference's logits on every engine`, async (t) => {
    const folded = ((network) => fold(network.graph, network.weights))(inferenceNetwork(name));
    const { graph, weights, floats } = quantized(folded);
    verify(graph);
    const inputs = randomInputs(graph);
    const wanted = logitsOf({ graph, weights }, inputs);
    const left = [...new Set(floats.filter(({ op }) => !integerRuleOf(op)?.isKept).map(({ op }) => op.name))];
    if (left.length > 0) t.diagnostic(`${name}: stays float: ${left.join(", ")}`);
    for (const options of [{}, { isRelaxedAllowed: false }, { threads: 3 }]) {
      using session = await wasmBackend.open(graph, weights, options);
      const { logits } = session.run(Object.fromEntries(inputs));
      if (left.length === 0) assert.deepEqual([...logits.data], [...wanted], JSON.stringify(options));
      assert.deepEqual(session.fallbacks, [], JSON.stringify(options));
    }
    const floating = logitsOf(folded, inputs);
    const most = floating.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    t.diagnostic(`${name}: furthest from the floats by ${(100 * Math.max(...wanted.map((x, i) => Math.abs(x - floating[i])))) / most} %`);
  });
}
