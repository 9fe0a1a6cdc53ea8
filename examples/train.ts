/** Trains a network, saves it as one file, loads it again and classifies. In a project of your own: from "goldcrest", "goldcrest/train", "goldcrest/node". */
import { loadModel, openClassifier, saveModel } from "../src/index.ts";
import { atomicWrite, openFashionMnist, readFileBytes } from "../src/node.ts";
import { fitNetwork, preprocessingFor, recipe, splitDataset } from "../src/train.ts";

const [file = "fashion.safetensors", epochs = "5"] = process.argv.slice(2);

const data = await openFashionMnist({ part: "embedded" }); // or: await openFolder("photos")
const parts = splitDataset(data, { validation: 0.1, seed: 1 });
const preprocessing = preprocessingFor({ size: 28, channels: 1, fit: "crop" });
const { model, result } = await fitNetwork({
  network: "vanilla-compact",
  options: { isSmallImage: true },
  ...{ data, parts, preprocessing },
  recipe: recipe("small", { epochs: Number(epochs), batch: 64 }),
  seed: 1,
  threads: 2,
  onProgress: ({ phase, epoch, step, steps }) => step % 20 === 0 && console.log(`${phase}, epoch ${epoch}, step ${step} of ${steps}`),
});
console.log(`test accuracy ${result.test?.accuracy}, best epoch ${result.best.epoch}`);
await atomicWrite(file, await saveModel(model));

using classifier = await openClassifier(await loadModel(await readFileBytes(file), file));
for (const index of parts.test.subarray(0, 5)) {
  const [best, second] = classifier.classify(await data.pixels(index, preprocessing), 2);
  console.log(
    `${data.nameOf(index)}: ${best.label} ${best.probability.toFixed(3)}, or ${second.label}; it is ${data.labels[data.labelOf(index)]}`,
  );
}
await data.close();
