/** Weights of other programs become a model file that every other command takes. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import type { Tensor } from "../../src/core/tensor.ts";
import { serialiseSafetensors } from "../../src/formats/safetensors.ts";
import { loadModel } from "../../src/model/model.ts";
import { drawState } from "../goldens/recipe.ts";
import { openWorkplace, type Workplace } from "../lib/commandLine.ts";
import { stripeFiles } from "../lib/stripes.ts";
import { savez, torchSave } from "../lib/torchWriter.ts";

const fixture = JSON.parse(
  readFileSync(new URL("../goldens/fixtures/references/pytorchcv_resnet20_cifar10.json", import.meta.url), "utf8"),
);
const weights = new Map<string, Tensor>(fixture.state.map((entry: never) => [entry[0], drawState(entry, fixture.recipe)]));
const ten = [..."abcdefgh", "lying", "standing"];

let work: Workplace;
before(async () => {
  work = await openWorkplace();
  await work.write({
    ...(await stripeFiles("bars", 4)),
    "resnet20_cifar10.pth": torchSave(weights),
    "resnet20.safetensors": serialiseSafetensors(weights),
    "resnet20.npz": savez(weights, true),
    "labels.txt": ten.join("\n"),
    "cut.pth": torchSave(weights).subarray(0, 5000),
    "old.pth": Uint8Array.of(0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e),
  });
});
after(() => work.remove());

async function run(line: string): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return work.run(line.split(" "));
}

test("a checkpoint is recognised, and the account says what became of its tensors", async () => {
  const { code, stdout, stderr } = await run("import resnet20_cifar10.pth --labels labels.txt --out model.safetensors");
  assert.equal(code, 0, stderr);
  assert.match(
    stdout,
    /^✓ model\.safetensors \([\d,]+ bytes\): resnet-20, 10 labels\n {2}as pytorchcv has it \(variant projection\); tensors: 128 matched\n$/,
  );
  const { labels, provenance } = await loadModel(await work.read("model.safetensors"));
  assert.deepEqual(labels, ten);
  assert.deepEqual(Object.keys(provenance), ["file", "sha256", "from", "tensors"]);
});

test("the three kinds of file give the same weights", async () => {
  const models = [];
  for (const file of ["resnet20_cifar10.pth", "resnet20.safetensors", "resnet20.npz"]) {
    const { code, stderr } = await run(`import ${file} --out again.safetensors`);
    assert.equal(code, 0, stderr);
    models.push((await loadModel(await work.read("again.safetensors"))).weights);
  }
  assert.deepEqual(models[1], models[0]);
  assert.deepEqual(models[2], models[0]);
});

test("the model file works with classify, evaluate, profile, quantize and compile", async () => {
  const commands = [
    "classify model.safetensors bars/lying/0.png --json",
    "evaluate model.safetensors bars --json",
    "profile model.safetensors --json",
    "quantize model.safetensors bars --images 8 --out small.safetensors --json",
    "compile model.safetensors --out compiled --json",
  ];
  for (const command of commands) {
    const { code, stdout, stderr } = await run(command);
    assert.equal(code, 0, `${command}: ${stderr}`);
    JSON.parse(stdout);
  }
});

test("--json accounts for every tensor; another number of classes starts a new classifier", async () => {
  const { code, stdout, stderr } = await run("import resnet20_cifar10.pth --classes 3 --out three.safetensors --json");
  assert.equal(code, 0, stderr);
  const { network, from, format, labels, counts, tensors, classesInFile } = JSON.parse(stdout);
  assert.deepEqual([network, from, format, labels, classesInFile], ["resnet-20", "pytorchcv", "pytorch", 3, 10]);
  assert.deepEqual(counts, { matched: 126, new: 2, missing: 0, unexpected: 0, misshapen: 0 });
  assert.equal(tensors.length, 128);
  assert.deepEqual(
    tensors.find(({ name }: { name: string }) => name === "output.bias"),
    { name: "output.bias", fate: "new", found: [10], needed: [3] },
  );
});

test("a partial load is refused with exit code 3 and a table, and nothing is written; --allow-partial takes it", async () => {
  const part = new Map([...weights].filter(([name]) => name !== "features.init_block.conv.weight"));
  await work.write({ "part.pth": torchSave(part) });
  const refused = await run("import part.pth --out part.safetensors");
  assert.equal(refused.code, 3);
  assert.match(refused.stdout, /^tensor +in the file +needed\n[─ ]+\nfeatures.init_block.conv.weight +missing +– +16×3×3×3\n/);
  assert.match(
    refused.stderr,
    /part.pth: 1 of 128 tensors do not fit resnet-20 of pytorchcv, the first lacks "features.init_block.conv.weight" \[16, 3, 3, 3\]\n {2}--allow-partial/,
  );
  assert.equal((await work.names()).includes("part.safetensors"), false);
  assert.equal((await run("import part.pth --out part.safetensors --allow-partial")).code, 0);
});

const mistakes: readonly (readonly [line: string, code: number, message: RegExp])[] = [
  ["import cut.pth", 3, /cut\.pth: the zip archive has no end \(truncated\?\)/],
  ["import old.pth", 3, /old\.pth: a checkpoint in PyTorch's old format, before 1\.6; save it again/],
  ["import nothing.pth", 3, /nothing\.pth: there is no such file/],
  [
    "import bars",
    3,
    /bars: nothing that goldcrest import reads; it reads\n {2}a folder that goldcrest export --to pytorch wrote, or its weights\.safetensors\n {2}a file of weights: .*\n {2}an ONNX model/,
  ],
  ["import resnet20.npz --from timn", 2, /unknown source "timn"; did you mean "timm"\?/],
  ["import resnet20.npz --labels labels.txt --classes 3", 2, /10 labels for 3 classes/],
  ["import resnet20.safetensors --out resnet20.safetensors", 2, /--out is "resnet20\.safetensors", the file itself/],
];

for (const [line, expected, message] of mistakes) {
  test(`goldcrest ${line}: exit code ${expected}`, async () => {
    const names = await work.names();
    const { code, stderr } = await run(line);
    assert.equal(code, expected, stderr);
    assert.match(stderr, message);
    assert.deepEqual(await work.names(), names);
  });
}
