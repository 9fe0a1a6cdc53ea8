/** A network of your own, made of blocks and ops, trained like the published ones; its weights as a safetensors file. */
import { blocks, compile, ops, readWeights, serialiseSafetensors, wasmBackend } from "../src/index.ts";
import { openFashionMnist } from "../src/node.ts";
import { type Builder, evaluationGraph, fit, preprocessingFor, recipe, splitDataset, topChoices } from "../src/train.ts";

/** Two inverted residuals, the features gated by a convolution of themselves, a classifier. Scope names become weight names. */
const build: Builder = (g, image, { classes }) => {
  let x = blocks.convNormActivation(g.scope("stem"), image, { out: 16, kernel: 3, stride: 2 });
  x = blocks.invertedResidual(g.scope("first"), x, { out: 24, hidden: 48, stride: 2 });
  x = blocks.invertedResidual(g.scope("second"), x, { out: 24, hidden: 48 });
  const gate = ops.sigmoid(g, [blocks.convolution(g.scope("gate"), x, { out: 24, kernel: 1 })], {});
  const features = blocks.pooledFeatures(g, ops.multiply(g, [x, gate], {}));
  return blocks.fullyConnected(g.scope("classifier"), features, { out: classes });
};

const data = await openFashionMnist({ part: "embedded" });
const preprocessing = preprocessingFor({ size: 28, channels: 1, fit: "crop" });
const epochs = Number(process.argv[2] ?? 3);
const { weights, test } = await fit({
  ...{ build, data, preprocessing, backend: wasmBackend, threads: 2 },
  network: "gated, my first",
  parts: splitDataset(data),
  recipe: recipe("small", { epochs }),
});
console.log(`test accuracy ${test?.accuracy}`);

const file = serialiseSafetensors(weights);
const graph = evaluationGraph({ build, batch: 1, size: 28, channels: 1, classes: data.labels.length });
using session = await compile(graph, readWeights(file));
const image = { shape: [1, 1, 28, 28], data: new Float32Array(28 * 28) };
console.log(`${file.length} bytes; an empty image looks like a ${topChoices(session.run({ image }).logits.data, data.labels, 1)[0].label}`);
