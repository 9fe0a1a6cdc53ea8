/** Whole networks, for inference and for training, on every backend: plans, memory and epilogues as they occur together. */
import { test } from "node:test";
import { type DesignName, designs } from "../src/blocks/index.ts";
import { applyPasses, inferencePasses, trainingPasses } from "../src/passes/index.ts";
import { type ArithmeticChoice, gradientsOf } from "../src/passes/setArithmetic.ts";
import { backends } from "./backends.ts";
import { assertAgrees } from "./lib/conformity.ts";
import { inferenceNetwork, representatives, trainingNetwork } from "./lib/smallNetworks.ts";
import { deepArithmetic, deepNetwork, deepTraining } from "./tolerances.ts";

const [wasm] = backends.filter(({ backend }) => backend.name !== "reference");

for (const tested of backends.filter(({ backend }) => backend.name !== "reference")) {
  for (const name of representatives) {
    test(`${tested.name}: ${name} gives the reference's logits without a fallback`, () =>
      assertAgrees(tested, applyPasses(inferencePasses, inferenceNetwork(name)), deepNetwork));
    test(`${tested.name}: ${name} in training gives the reference's loss, gradients and running statistics without a fallback`, () =>
      assertAgrees(tested, applyPasses(trainingPasses, trainingNetwork(name)), deepTraining));
  }
}

/** Dense, depthwise with gates, and grouped convolutions: more the kernels of adders and Mitchell products do not know of a network. */
const computing: Readonly<Record<string, readonly ArithmeticChoice[]>> = {
  "resnet-20": [{ arithmetic: "adder" }, ...gradientsOf("mitchell").map((gradient) => ({ arithmetic: "mitchell", gradient }) as const)],
  "mobilenet-v3-small": [{ arithmetic: "adder" }, { arithmetic: "mitchell" }],
  "shufflenet-v1-g3": [{ arithmetic: "adder" }, { arithmetic: "mitchell" }],
};

// One backend, as for the designs below.
for (const [name, choices] of Object.entries(computing)) {
  for (const choice of choices) {
    const how = choice.gradient === undefined ? choice.arithmetic : `${choice.arithmetic} (${choice.gradient})`;
    test(`wasm: ${name} computing by ${how} trains and infers as on the reference, without a fallback`, async () => {
      // Grouped adders of few pixels are rounding: the layer-wise rate scales it up to the norm of any other gradient.
      const options = { ...choice, batch: 4, size: name.startsWith("shufflenet") && choice.arithmetic === "adder" ? 32 : 16 };
      await assertAgrees(wasm, applyPasses(inferencePasses, inferenceNetwork(name, options)), deepNetwork);
      await assertAgrees(wasm, applyPasses(trainingPasses, trainingNetwork(name, options)), deepArithmetic);
    });
  }
}

// One backend: the designs are made of the layers that the families above go through on every one.
for (const conv of Object.keys(designs) as DesignName[]) {
  test(`wasm: ${conv} in place of the ordinary convolutions trains and infers as on the reference, without a fallback`, async () => {
    const options = { conv, width: 1, size: 16, batch: 4 };
    await assertAgrees(wasm, applyPasses(inferencePasses, inferenceNetwork("vanilla-compact", options)), deepNetwork);
    await assertAgrees(wasm, applyPasses(trainingPasses, trainingNetwork("vanilla-compact", options)), deepTraining);
  });
}
