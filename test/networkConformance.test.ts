/** Whole networks, for inference and for training, on every backend: plans, memory and epilogues as they occur together. */
import { test } from "node:test";
import { type DesignName, designs } from "../src/blocks/index.ts";
import { applyPasses, inferencePasses, trainingPasses } from "../src/passes/index.ts";
import { backends } from "./backends.ts";
import { assertAgrees } from "./lib/conformity.ts";
import { inferenceNetwork, representatives, trainingNetwork } from "./lib/smallNetworks.ts";
import { deepNetwork, deepTraining } from "./tolerances.ts";

for (const tested of backends.filter(({ backend }) => backend.name !== "reference")) {
  for (const name of representatives) {
    test(`${tested.name}: ${name} gives the reference's logits without a fallback`, () =>
      assertAgrees(tested, applyPasses(inferencePasses, inferenceNetwork(name)), deepNetwork));
    test(`${tested.name}: ${name} in training gives the reference's loss, gradients and running statistics without a fallback`, () =>
      assertAgrees(tested, applyPasses(trainingPasses, trainingNetwork(name)), deepTraining));
  }
}

// One backend: the designs are made of the layers that the families above go through on every one.
const [tested] = backends.filter(({ backend }) => backend.name !== "reference");
for (const conv of Object.keys(designs) as DesignName[]) {
  test(`${tested.name}: ${conv} in place of the ordinary convolutions trains and infers as on the reference, without a fallback`, async () => {
    const options = { conv, width: 1, size: 16, batch: 4 };
    await assertAgrees(tested, applyPasses(inferencePasses, inferenceNetwork("vanilla-compact", options)), deepNetwork);
    await assertAgrees(tested, applyPasses(trainingPasses, trainingNetwork("vanilla-compact", options)), deepTraining);
  });
}
