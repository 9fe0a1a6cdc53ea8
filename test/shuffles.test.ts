/** How many channel shuffles the networks of the zoo compute: as built, run with fixed weights, and in a step of training. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { zeros } from "../src/core/tensor.ts";
import type { Graph } from "../src/ir/graph.ts";
import { type BuildOptions, buildNetwork, networks } from "../src/networks/index.ts";
import { optimise, optimiseTraining } from "../src/passes/index.ts";
import { matchExpected } from "./lib/expected.ts";
import { withGradients } from "./lib/smallNetworks.ts";

const shufflesOf = (graph: Graph): number => graph.nodes.filter(({ op }) => op.name === "channelShuffle").length;

/** Which nodes are left does not depend on what the weights are. */
function optimised(graph: Graph): Graph {
  const stored = graph.leaves.filter(({ kind }) => kind === "parameter" || kind === "state");
  return optimise(graph, new Map(stored.map(({ name = "", shape }) => [name, zeros(shape)]))).graph;
}

test("the zoo's shuffles: as built, run with fixed weights, in training", () => {
  const rows = Object.keys(networks).flatMap((name) => {
    const graph = buildNetwork(name);
    if (shufflesOf(graph) === 0) return [];
    const training = withGradients(buildNetwork(name, { batch: 2, isTraining: true })).graph;
    return `${name.padEnd(18)}${[graph, optimised(graph), optimiseTraining(training)].map((each) => String(shufflesOf(each)).padStart(4)).join("")}`;
  });
  matchExpected("passes/shuffles.txt", rows.join("\n"));
});

test("no MicroNet, whatever its width, and no ShuffleNet of grouped convolutions computes a shuffle when run with fixed weights", () => {
  const isAbsorbed = (name: string): boolean => name.startsWith("micronet") || name.startsWith("shufflenet-v1");
  for (const name of Object.keys(networks).filter(isAbsorbed)) {
    for (const options of [{}, { width: 2 }, { size: 64, classes: 10 }] satisfies BuildOptions[]) {
      assert.equal(shufflesOf(optimised(buildNetwork(name, options))), 0, `${name} ${JSON.stringify(options)}`);
    }
  }
});
