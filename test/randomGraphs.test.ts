/** Whatever network is drawn, the optimised graph on the engine gives what the graph as it was built gives on the reference. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { evaluate, interpret } from "../src/backends/reference/index.ts";
import { wasmBackend } from "../src/backends/wasm/index.ts";
import type { OpenOptions } from "../src/engine/session.ts";
import { integerRuleOf } from "../src/ops/integerRules.ts";
import type { Weighted } from "../src/passes/foldConstants.ts";
import { fold, optimise } from "../src/passes/index.ts";
import { quantizeGraph } from "../src/quantize/quantize.ts";
import { assertClose } from "./lib/compare.ts";
import { buildRandom, type RandomNetwork, randomNetworks } from "./lib/randomGraph.ts";
import { randomInputs, randomWeights } from "./lib/randomWeights.ts";
import { rangesOf } from "./lib/ranges.ts";
import { randomNetwork } from "./tolerances.ts";

/** The engine in every way that may change how work is split or rounded. */
const ways: readonly OpenOptions[] = [{}, { exact: true }, { isRelaxedAllowed: false }, { threads: 3 }];

const way = fc.constantFrom(...ways);
const numRuns = Number(process.env.RANDOM_GRAPHS ?? 300);

function weighted(network: RandomNetwork): Weighted {
  const graph = buildRandom(network);
  return { graph, weights: randomWeights(graph) };
}

test("random networks, optimised, give the reference's outputs without a fallback", () =>
  fc.assert(
    fc.asyncProperty(randomNetworks, way, async (network, options) => {
      const before = weighted(network);
      const inputs = randomInputs(before.graph);
      const wanted = evaluate(before.graph, before.weights, inputs);
      const { graph, weights } = optimise(before.graph, before.weights);
      using session = await wasmBackend.open(graph, weights, options);
      assert.deepEqual(session.fallbacks, []);
      const found = session.run(Object.fromEntries(inputs));
      for (const [name, { data }] of wanted) assertClose(found[name].data, data, randomNetwork, name);
    }),
    { numRuns },
  ));

test("random networks in integers give the reference's integers", () =>
  fc.assert(
    fc.asyncProperty(randomNetworks, way, async (network, options) => {
      const folded = ((whole) => fold(whole.graph, whole.weights))(weighted(network));
      const inputs = randomInputs(folded.graph);
      const { graph, weights, floats } = quantizeGraph(folded, rangesOf(interpret(folded.graph, folded.weights, inputs)));
      using session = await wasmBackend.open(graph, weights, options);
      assert.deepEqual(session.fallbacks, []);
      const found = session.run(Object.fromEntries(inputs));
      // What stays float may round otherwise and move an integer behind it.
      if (floats.some(({ op }) => !integerRuleOf(op)?.isKept)) return;
      for (const [name, { data }] of evaluate(graph, weights, inputs)) assert.deepEqual([...found[name].data], [...data], name);
    }),
    { numRuns },
  ));
