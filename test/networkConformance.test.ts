/** Whole networks, for inference and for training, on every backend: plans, memory and epilogues as they occur together. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate } from "../src/backends/reference/index.ts";
import { type DesignName, designs } from "../src/blocks/index.ts";
import type { Weighted } from "../src/passes/foldConstants.ts";
import { applyPasses, inferencePasses, trainingPasses } from "../src/passes/index.ts";
import { backends, type Tested } from "./backends.ts";
import { assertClose } from "./lib/compare.ts";
import { randomInputs } from "./lib/randomWeights.ts";
import { inferenceNetwork, representatives, trainingNetwork } from "./lib/smallNetworks.ts";
import { deepNetwork, deepTraining, type Tolerance } from "./tolerances.ts";

async function check({ backend, options }: Tested, { graph, weights }: Weighted, tolerance: Tolerance): Promise<void> {
  const inputs = randomInputs(graph);
  const wanted = evaluate(graph, weights, inputs);
  const session = await backend.open(graph, weights, options);
  try {
    assert.deepEqual([...new Set(session.fallbacks.map(({ op }) => op))], []);
    const found = session.run(Object.fromEntries(inputs));
    for (const [name, { data }] of wanted) assertClose(found[name].data, data, tolerance, name);
    for (const { target, source } of graph.updates) {
      const output = Object.entries(graph.outputs).find(([, value]) => value === source);
      if (output)
        assertClose(
          session.read(target.name as string).data,
          found[output[0]].data,
          { relative: 1e-7, absolute: 0 },
          `${target.name} after the run`,
        );
    }
  } finally {
    session.dispose();
  }
}

for (const tested of backends.filter(({ backend }) => backend.name !== "reference")) {
  for (const name of representatives) {
    test(`${tested.name}: ${name} gives the reference's logits without a fallback`, () =>
      check(tested, applyPasses(inferencePasses, inferenceNetwork(name)), deepNetwork));
    test(`${tested.name}: ${name} in training gives the reference's loss, gradients and running statistics without a fallback`, () =>
      check(tested, applyPasses(trainingPasses, trainingNetwork(name)), deepTraining));
  }
}

// One backend: the designs are made of the layers that the families above go through on every one.
const [tested] = backends.filter(({ backend }) => backend.name !== "reference");
for (const conv of Object.keys(designs) as DesignName[]) {
  test(`${tested.name}: ${conv} in place of the ordinary convolutions trains and infers as on the reference, without a fallback`, async () => {
    const options = { conv, width: 1, size: 16, batch: 4 };
    await check(tested, applyPasses(inferencePasses, inferenceNetwork("vanilla-compact", options)), deepNetwork);
    await check(tested, applyPasses(trainingPasses, trainingNetwork("vanilla-compact", options)), deepTraining);
  });
}
