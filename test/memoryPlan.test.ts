/** The engine's memory for every network at its published size: hardly more than any placement needs. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { planMemory } from "../src/backends/wasm/index.ts";
import { zeros } from "../src/core/tensor.ts";
import { leavesOf } from "../src/ir/graph.ts";
import { buildNetwork, networks } from "../src/networks/index.ts";
import { optimise } from "../src/passes/index.ts";
import { staticCost } from "../src/profile/staticCost.ts";

const MOST = 1.15;
/** Of what is no weight, which alone decides how well regions were placed. */
const MOST_ACTIVATIONS = 1.2;
/** Parameters above which folding takes longer than a test should; the rest of those families is here. */
const MOST_PARAMS = 100e6;

for (const name of Object.keys(networks)) {
  const graph = buildNetwork(name);
  const { params } = staticCost(graph);
  const skip = params > MOST_PARAMS && `${name} has ${params} parameters; smaller ones of its family are planned`;
  test(`${name}: the arena is within 15 % of the lower bound, its activations within 20 %`, { skip }, () => {
    const stored = [...leavesOf(graph, "parameter"), ...leavesOf(graph, "state")];
    const { arena, lowerBound, weights, packed } = planMemory(
      optimise(graph, new Map(stored.map((leaf) => [leaf.name ?? "", zeros(leaf.shape)]))).graph,
    );
    assert.ok(arena <= MOST * lowerBound, `${arena} bytes, lower bound ${lowerBound}`);
    const kept = weights + packed;
    assert.ok(
      kept < lowerBound && arena - kept <= MOST_ACTIVATIONS * (lowerBound - kept),
      `${arena - kept} of activations, lower bound ${lowerBound - kept}`,
    );
  });
}
