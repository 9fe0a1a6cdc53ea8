/** What a page carries that only classifies: modules that its entry reaches, and models that each part opens. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { designNames } from "../src/blocks/index.ts";
import { preprocessingFor } from "../src/data/preprocessing.ts";
import * as inference from "../src/inference.ts";
import { openClassifier } from "../src/model/classifier.ts";
import { activationKeys } from "../src/model/integerForm.ts";
import { type Model, saveModel } from "../src/model/model.ts";
import { modelGraph } from "../src/model/modelGraph.ts";
import type { Part } from "../src/model/parts.ts";
import { familyOf } from "../src/networks/families.ts";
import { type NetworkOptions, networks } from "../src/networks/index.ts";
import { ops } from "../src/ops/index.ts";
import { fold } from "../src/passes/index.ts";
import { quantizeGraph } from "../src/quantize/quantize.ts";
import { inferenceNetwork, representatives, smallOptions } from "./lib/smallNetworks.ts";
import { importsOf, readSource, resolveImport } from "./lib/sources.ts";

/** Every module that is loaded with an entry, with the one that imports it. */
function reached(path: string, by = "", seen = new Map<string, string>()): ReadonlyMap<string, string> {
  if (seen.has(path)) return seen;
  seen.set(path, by);
  for (const { from, isType, isDynamic } of importsOf(readSource(path))) {
    if (!isType && !isDynamic && from.startsWith(".")) reached(resolveImport(path, from), path, seen);
  }
  return seen;
}

/** Ops that only a graph that trains has. */
const ofTraining = Object.keys(ops).filter((name) =>
  /Gradient|^gradient|^(adamw|channelSum|clipScale|ema|layerRate|rmsprop|sgd|softmaxCrossEntropy|sumTo)/.test(name),
);
/** Blocks that may be built for training name the first two; imported models have transposed convolutions, the gradient of others. */
const needed = [
  ...["src/ops/batchNormTrain.ts", "src/ops/dropout.ts"],
  ...["src/ops/conv2dInputGradient.ts", "src/backends/wasm/kernels/conv2dInputGradient.ts"],
];
const beyond =
  /^src\/(cli|deploy|profile|train|backends\/reference|formats\/(names|onnx)|ops\/(index|gradients)\.ts|passes\/differentiate\.ts|networks\/index\.ts|model\/zoo\.ts|backends\/wasm\/kernels\/(index|optimiser|clipping|poolGradient)\.ts)/;

function needless(entry: string): string[] {
  const files = new Set(
    [...ofTraining, "batchNormTrain"].flatMap((name) => [`src/ops/${name}.ts`, `src/backends/wasm/kernels/${name}.ts`]),
  );
  const isNeedless = (path: string): boolean => beyond.test(path) || (files.has(path) && !needed.includes(path));
  return [...reached(entry)].filter(([path]) => isNeedless(path)).map(([path, by]) => `${path} by ${by}`);
}

test("the entry for inference reaches nothing of training, no reference, no table of all networks or ops", () => {
  assert.deepEqual(needless("src/inference.ts"), []);
});

test("the walk sees what the whole entry reaches", () => {
  const found = needless("src/index.ts").map((line) => line.split(" ")[0]);
  for (const path of [
    "src/ops/gradients.ts",
    "src/passes/differentiate.ts",
    "src/backends/wasm/kernels/conv2dWeightGradient.ts",
    "src/model/zoo.ts",
  ])
    assert.ok(found.includes(path), path);
});

const parts = Object.entries(inference).filter((entry): entry is [string, Part] => typeof entry[1] === "object");

test("every network is in one part, which bears its family's name", () => {
  const placed = parts.flatMap(([name, { networks: held = [] }]) => held.map((network) => [network.name, name] as const));
  const named = ({ name }: { readonly name: string }): string => name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
  const wanted = Object.keys(networks).map((name) => [name, named(familyOf(name) ?? { name: "none" })] as const);
  assert.deepEqual(new Map(placed), new Map(wanted));
  assert.equal(placed.length, wanted.length);
});

function smallModel(name: string, more: NetworkOptions = {}): Model {
  const { size, classes, ...rest } = smallOptions(name);
  const options = { ...rest, ...more };
  const preprocessing = preprocessingFor({ size, channels: 3, fit: "crop" });
  const labels = Array.from({ length: classes }, (_, i) => `label ${i}`);
  return { network: name, options, labels, preprocessing, weights: inferenceNetwork(name, more).weights, provenance: {}, metrics: {} };
}

const pixelsFor = ({ preprocessing: { size } }: Pick<Model, "preprocessing">): Uint8Array =>
  Uint8Array.from({ length: size * size * 3 }, (_, i) => (i * 29) & 255);
const partOf = (name: string): Part =>
  (parts.find(([, part]) => part.networks?.some((network) => network.name === name)) ?? assert.fail(name))[1];

for (const name of representatives) {
  test(`${name} opens with its part and floats, and gives the bits of the whole engine`, async () => {
    const model = smallModel(name);
    using here = await openClassifier(model);
    using lean = await inference.openModel(await saveModel(model), [partOf(name), inference.floats]);
    assert.deepEqual([lean.labels, lean.preprocessing], [model.labels, model.preprocessing]);
    assert.deepEqual(lean.logits(pixelsFor(model)), here.logits(pixelsFor(model)));
  });
}

/** In integers, every activation within the same range. */
function integersOf(model: Model): Model {
  const folded = fold(modelGraph(model), model.weights);
  const keys = activationKeys(folded.graph);
  const { weights } = quantizeGraph(folded, new Map([...keys.values()].map((value) => [value, { low: -3, high: 3 }])));
  const ranges = Object.fromEntries([...keys.keys()].map((key) => [key, [-3, 3] as const]));
  return { ...model, weights, quantisation: { method: "given", images: 0, ranges } };
}

const others = [
  ...designNames.map((conv) => ["resnet-20", { conv, width: 1 }] as const),
  ...(["adder", "mitchell"] as const).map((arithmetic) => ["mobilenet-v2", { arithmetic }] as const),
];
for (const [name, options] of others) {
  test(`${name} with ${Object.values(options)[0]} finds all its kernels in its part`, async () => {
    using lean = await inference.openModel(await saveModel(smallModel(name, options)), [partOf(name), inference.floats]);
    assert.equal(lean.labels.length, 3);
  });
}

test("a model in integers needs the part for them, and then gives the bits of the whole engine", async () => {
  const model = integersOf(smallModel("mobilenet-v2"));
  const file = await saveModel(model);
  await assert.rejects(
    inference.openModel(file, [inference.mobilenetV2, inference.floats]),
    /^FormatError: model: the model is in integers, and this program carries floats only/,
  );
  using here = await openClassifier(model);
  using lean = await inference.openModel(file, [inference.mobilenetV2, inference.integers]);
  assert.deepEqual(lean.logits(pixelsFor(model)), here.logits(pixelsFor(model)));
});

test("the order of parts does not matter, although floats and integers have kernels for the same ops", async () => {
  const model = integersOf(smallModel("shufflenet-v2"));
  const { integers, floats, shufflenetV2 } = inference;
  using here = await openClassifier(model);
  for (const parts of [
    [integers, floats, shufflenetV2],
    [shufflenetV2, floats, integers],
  ]) {
    using lean = await inference.openModel(await saveModel(model), parts);
    assert.deepEqual(lean.logits(pixelsFor(model)), here.logits(pixelsFor(model)));
  }
});

test("a network that no part carries is refused by name", async () => {
  const file = await saveModel(smallModel("mobilenet-v2"));
  await assert.rejects(
    inference.openModel(file, [inference.squeezenet]),
    /^FormatError: model: unknown network "mobilenet-v2"\n {2}known are squeezenet-1.0, squeezenet-1.1/,
  );
});
