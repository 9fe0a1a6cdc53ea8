import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { smallModel } from "../../test/lib/smallModel.ts";
import { readWeights, serialiseSafetensors } from "../formats/safetensors.ts";
import type { Model } from "./model.ts";
import { fromPytorch, isUntouchedPytorch, pytorchFolder, pytorchPlace } from "./pytorchFolder.node.ts";

async function inFolder(model: Model, use: (folder: string) => Promise<void>): Promise<void> {
  const place = await mkdtemp(join(tmpdir(), "goldcrest-pytorch-"));
  try {
    for (const [name, contents] of Object.entries(await pytorchFolder(model, "1.2.3"))) await writeFile(join(place, name), contents);
    await use(place);
  } finally {
    await rm(place, { recursive: true });
  }
}

/** Changes a text file. */
async function edit(path: string, change: (text: string) => string): Promise<void> {
  await writeFile(path, change(await readFile(path, "utf8")));
}

test("a folder holds source, weights, recipe and golden logits, and comes back as the same model", async () => {
  const model = smallModel("mobilenet-v2");
  await inFolder(model, async (folder) => {
    const back = await fromPytorch(folder);
    assert.deepEqual(back.model, model);
    assert.deepEqual([back.difference, back.by], [0, "Goldcrest 1.2.3"]);
    assert.deepEqual([...readWeights(await readFile(join(folder, "weights.safetensors"))).keys()].sort(), [...model.weights.keys()].sort());
    const { recipe, stages, initial } = JSON.parse(await readFile(join(folder, "recipe.json"), "utf8"));
    assert.deepEqual([recipe.optimiser.kind, stages.length, initial["features.0.1.running_var"]], ["sgd", 1, { constant: 1 }]);
    assert.equal(await pytorchPlace(folder), folder);
    assert.equal(await pytorchPlace(join(folder, "weights.safetensors")), folder);
    assert.equal(await pytorchPlace(join(folder, "model.py")), undefined);
  });
});

test("a folder counts as untouched until a file is changed, added or removed", async () => {
  const names = ["README.md", "model.py", "weights.py", "data.py", "train.py", "recipe.json", "weights.safetensors", "golden.json"];
  await inFolder(smallModel("vanilla-compact"), async (folder) => {
    await mkdir(join(folder, "__pycache__"));
    assert.equal(await isUntouchedPytorch(folder, [...names, "__pycache__"]), true);
    assert.equal(await isUntouchedPytorch(folder, names.slice(1)), false);
    await writeFile(join(folder, "checkpoint.pt"), "x");
    assert.equal(await isUntouchedPytorch(folder, [...names, "checkpoint.pt"]), false);
    await edit(join(folder, "recipe.json"), (text) => text.replace('"epochs": 20', '"epochs": 21'));
    assert.equal(await isUntouchedPytorch(folder, names), false);
  });
});

test("weights that moved, logits of another network and unusable logits are refused", async () => {
  await inFolder(smallModel("vanilla-compact"), async (folder) => {
    const golden = join(folder, "golden.json");
    const held = await readFile(golden, "utf8");
    const refused = async (change: (text: string) => string, message: RegExp): Promise<void> => {
      await writeFile(golden, change(held));
      await assert.rejects(fromPytorch(folder), { code: "format", message });
    };
    const document = JSON.parse(held);
    const largest = Math.max(...document.logits.flat().map(Math.abs));
    const moved = { ...document, logits: document.logits.map((row: number[]) => [row[0] + 0.01 * largest, ...row.slice(1)]), tolerance: 1 };
    await refused(
      () => JSON.stringify(moved),
      /our logits differ from those of Goldcrest 1\.2\.3 by 0\.0(099|100)\d* of the largest, at most 0\.000\d+ is right/,
    );
    await refused((text) => text.replace(/"weights": "[0-9a-f]/, '"weights": "g'), /belongs to other weights/);
    await refused(() => JSON.stringify({ ...document, logits: [[1, 2, 3]] }), /"logits" is unusable; it needs 2 rows of 3 finite numbers/);
    await refused(() => JSON.stringify({ ...document, format: "other" }), /not the logits of a model/);
    await refused((text) => text.slice(0, 200), /not valid JSON/);
    await refused(() => `${"[".repeat(1e5)}`, /deep|nest/);
    await rm(golden);
    await assert.rejects(fromPytorch(folder), { code: "file", message: /golden\.json: there is no such file; python3 model\.py --golden/ });
  });
});

test("a card that is none, and a folder of others with files of the same names, are told", async () => {
  await inFolder(smallModel("vanilla-compact"), async (folder) => {
    const weights = join(folder, "weights.safetensors");
    const hostile = async (card: string | undefined, message: RegExp): Promise<void> => {
      await writeFile(weights, serialiseSafetensors([], card === undefined ? {} : { "goldcrest.pytorch": card }));
      await assert.rejects(fromPytorch(folder), { code: "format", message });
    };
    await hostile(undefined, /not from a folder for PyTorch/);
    await hostile("[".repeat(1e5), /metadata: .*nest/);
    await hostile('{"version":1,"__proto__":{}}', /the card's network is unusable/);
    await hostile('{"version":2}', /a model file of version 2; this release reads version 1/);
    await writeFile(join(folder, "golden.json"), "mine");
    assert.equal(await isUntouchedPytorch(folder, ["golden.json", "model.py"]), false);
  });
});

test("a model of integers, and weights that have diverged, are refused", async () => {
  const model = smallModel("vanilla-compact");
  const quantised = { ...model, quantisation: { method: "minmax", images: 1, ranges: {} } };
  await assert.rejects(pytorchFolder(quantised, "1"), { code: "option", message: /a model of integers cannot be trained on in PyTorch/ });
  const [name, weight] = [...model.weights][0];
  const huge = new Map([...model.weights, [name, { ...weight, data: weight.data.map((x) => x * 1e38) }]]);
  await assert.rejects(pytorchFolder({ ...model, weights: huge }, "1"), { code: "data", message: /not finite/ });
});
