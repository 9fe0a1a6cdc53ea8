/** Training gives the same bits with any number of threads, for every family. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { wasmBackend } from "../src/backends/wasm/index.ts";
import { random } from "../src/core/random.ts";
import { networks, resolveOptions } from "../src/networks/index.ts";
import { fittingWidth } from "../src/networks/networks.testing.ts";
import { optimiseTraining } from "../src/passes/index.ts";
import { recipe } from "../src/train/recipe.ts";
import { startingWeights, trainingGraph } from "../src/train/trainingGraph.ts";
import { representatives } from "./lib/smallNetworks.ts";

const [BATCH, SIZE, CLASSES, STEPS] = [6, 20, 5, 2];

/** Every stored value after a few steps on random images. */
async function trained(name: string, threads: number): Promise<ReadonlyMap<string, Float32Array>> {
  const network = networks[name];
  const options = resolveOptions(network, { width: fittingWidth(network, 0.25), classes: CLASSES, isSmallImage: true, dropout: 0.2 }, SIZE);
  const rules = recipe("small", { augmentation: {}, clip: 1 });
  const shape = { batch: BATCH, size: SIZE, channels: 3, classes: CLASSES, recipe: rules };
  const graph = optimiseTraining(trainingGraph({ ...shape, build: (g, image) => network.build(g, image, options) }));
  using session = await wasmBackend.open(graph, startingWeights(graph, 1), { threads });
  for (let step = 0; step < STEPS; step++) {
    for (const leaf of graph.leaves) {
      if (leaf.kind !== "input") continue;
      const { uniform } = random(5, leaf.name ?? "", step);
      const { data } = session.view(leaf.name ?? "");
      for (let i = 0; i < data.length; i++) data[i] = leaf.shape.length === 0 ? 0.01 : uniform(i);
    }
    session.runInPlace();
  }
  const stored = graph.leaves.filter(({ kind }) => kind === "parameter" || kind === "state");
  return new Map(stored.map(({ name: leaf = "" }) => [leaf, session.read(leaf).data]));
}

for (const name of representatives) {
  test(`${name}: one, two and three threads`, async () => {
    const [one, two, three] = [await trained(name, 1), await trained(name, 2), await trained(name, 3)];
    assert([...one.values()].every((data) => data.every(Number.isFinite)));
    assert.deepEqual(two, one);
    assert.deepEqual(three, one);
  });
}
