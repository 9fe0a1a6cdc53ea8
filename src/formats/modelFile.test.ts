import assert from "node:assert/strict";
import { test } from "node:test";
import { FormatError } from "../core/errors.ts";
import { decodeModel, encodeModel, type ModelFile } from "./modelFile.ts";
import { parseSafetensors, serialiseSafetensors } from "./safetensors.ts";
import { seal } from "./sealedFile.ts";

const model: ModelFile = {
  network: { name: "mobilenet-v2", options: { width: 0.5, isSmallImage: true } },
  labels: ["Ärmel", "__proto__", "靴"],
  preprocessing: { size: 28, channels: 1, fit: "crop", mean: [0.286], std: [0.353] },
  provenance: { seed: 1, data: "sha256:00" },
  metrics: { test: { accuracy: 0.9 } },
  weights: new Map([
    ["features.0.0.weight", { shape: [2, 1, 1, 1], data: Float32Array.of(1.5, -2) }],
    ["features.0.1.num_batches_tracked", { shape: [], data: Float32Array.of(3) }],
  ]),
};

test("a model file is read back as it was written, and the same model gives the same bytes", async () => {
  const file = await encodeModel(model);
  assert.deepEqual(await decodeModel(file), model);
  assert.deepEqual(await encodeModel(model), file);
});

test("any safetensors reader opens a model file", async () => {
  const { tensors, metadata } = parseSafetensors(await encodeModel(model));
  assert.deepEqual([...tensors.keys()].sort(), [...model.weights.keys()].sort());
  assert.ok(metadata.get("goldcrest.model")?.includes('"mobilenet-v2"'));
});

test("every flipped bit and every truncation is refused, and the caller's bytes stay as they are", async () => {
  const file = Buffer.from(await encodeModel(model));
  for (let at = 0; at < file.length; at += 3) {
    const altered = Buffer.from(file);
    altered[at] ^= 1 << (at % 8);
    const before = Buffer.from(altered);
    await assert.rejects(decodeModel(altered, "m.safetensors"), FormatError, `byte ${at}`);
    assert.deepEqual(altered, before);
    await assert.rejects(decodeModel(file.subarray(0, at), "m.safetensors"), FormatError, `cut at ${at}`);
  }
});

test("a safetensors file of somebody else is refused as such", async () => {
  const file = serialiseSafetensors(model.weights, { format: "pt" });
  await assert.rejects(decodeModel(file, "m.safetensors"), /m.safetensors: not a Goldcrest model \(no "goldcrest.model" in its metadata\)/);
});

const { weights, ...card } = model;
const unusable: readonly (readonly [what: string, content: unknown, message: RegExp])[] = [
  ["a later version", { version: 2, ...card }, /version 2; this release reads version 1/],
  ["a card that is a list", [], /document is unusable/],
  [
    "a network without options",
    { version: 1, ...card, network: { name: "mobilenet-v2" } },
    /network is unusable; it needs a name and options/,
  ],
  ["no labels", { version: 1, ...card, labels: [] }, /labels is unusable/],
  ["labels that are numbers", { version: 1, ...card, labels: [1, 2] }, /labels is unusable/],
  ["no preprocessing", { version: 1, ...card, preprocessing: null }, /preprocessing is unusable/],
];

for (const [what, content, message] of unusable) {
  test(`a sealed file with ${what} is refused`, async () => {
    const file = await seal("goldcrest.model", content, weights);
    await assert.rejects(
      decodeModel(file, "m.safetensors"),
      (error: unknown) => error instanceof FormatError && message.test(error.message),
    );
  });
}

test("weights that are not finite are refused by name and place", async () => {
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const file = await encodeModel({ ...model, weights: new Map([["w", { shape: [2], data: Float32Array.of(1, bad) }]]) });
    await assert.rejects(decodeModel(file, "m"), new RegExp(`m: element 1 of the weight "w" is ${bad}`));
  }
});
