/** npm run test:interop: networks go to PyTorch, are checked and trained there, and come back. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { referenceBackend } from "../../src/backends/reference/index.ts";
import { type DesignName, designs } from "../../src/blocks/index.ts";
import { random } from "../../src/core/random.ts";
import { size } from "../../src/core/shape.ts";
import type { Tensor } from "../../src/core/tensor.ts";
import { openDecoder } from "../../src/data/imageFile.node.ts";
import { serialiseSafetensors } from "../../src/formats/safetensors.ts";
import type { Model } from "../../src/model/model.ts";
import { fromPytorch, pytorchFolder } from "../../src/model/pytorchFolder.node.ts";
import { buildNetwork, type NetworkOptions } from "../../src/networks/index.ts";
import { type Recipe, recipe } from "../../src/train/recipe.ts";
import { learningRateAt } from "../../src/train/schedule.ts";
import { smallModel } from "../lib/smallModel.ts";
import { representatives, withGradients } from "../lib/smallNetworks.ts";
import { stripeFiles } from "../lib/stripes.ts";
import { writeIdx } from "./idx.ts";
import { question, ruleRecipes, STEPS_PER_EPOCH, updated } from "./rules.ts";

const python = process.env.GOLDCREST_PYTHON ?? "/usr/bin/python3";
const SIDE = 32;

let place: string;
before(async () => {
  place = await mkdtemp(join(tmpdir(), "goldcrest-interop-"));
  await mkdir(join(place, "images"));
  await writeIdx(join(place, "images"), { side: 16, labels: 3, train: 48, test: 12 });
});
after(() => rm(place, { recursive: true }));

/** Runs Python in a folder, on one thread; returns what it wrote. */
function runPython(args: readonly string[], cwd: string): string {
  const env = { ...process.env, OMP_NUM_THREADS: "1", PYTHONDONTWRITEBYTECODE: "1" };
  const { status, stdout, stderr } = spawnSync(python, args, { cwd, env, encoding: "utf8", maxBuffer: 1 << 26 });
  assert.equal(status, 0, stderr.slice(-3000));
  return stdout + stderr;
}

/** Writes an export, with further files, and returns its folder. */
async function exported(name: string, model: Model, more: Readonly<Record<string, Uint8Array>> = {}, rules?: Recipe): Promise<string> {
  const folder = join(place, name);
  await mkdir(folder);
  const files = { ...(await pytorchFolder(model, "test", rules)), ...more };
  for (const [file, contents] of Object.entries(files)) await writeFile(join(folder, file), contents);
  return folder;
}

/** What check.py found in a folder. */
interface Found {
  readonly folder: string;
  readonly error?: string;
  readonly difference: number;
  readonly loss: number;
  readonly gradients: number;
  readonly states: number;
}

function check(folders: readonly string[]): readonly Found[] {
  const output = runPython([join(import.meta.dirname, "check.py"), join(place, "images"), ...folders], place);
  const found: Found[] = output.split("\n").flatMap((line) => (line.startsWith("{") ? [JSON.parse(line)] : []));
  assert.deepEqual(
    found.filter(({ error }) => error !== undefined),
    [],
  );
  assert.equal(found.length, folders.length);
  return found;
}

/** Trained weights are others than before, and mean here what they mean there. */
async function comesBack(folder: string, before: Model): Promise<void> {
  const { model, difference } = await fromPytorch(folder);
  const moved = [...model.weights].filter(([name, { data }]) => data.some((x, i) => x !== before.weights.get(name)?.data[i]));
  assert.ok(moved.length > before.weights.size / 2, `${moved.length} of ${before.weights.size} weights have moved`);
  assert.equal(typeof difference, "number");
  assert.match(String(model.provenance.by), /^PyTorch/);
}

test("every network: the same logits there, one epoch by train.py, and back", async (t) => {
  const cases = representatives.map((name) => ({ name, model: smallModel(name) }));
  const folders: string[] = [];
  for (const { name, model } of cases) folders.push(await exported(name, model));
  const worst = check(folders).reduce((most, found) => (found.difference > most.difference ? found : most));
  t.diagnostic(`largest difference of logits: ${worst.difference.toPrecision(2)} of the largest (${worst.folder})`);
  for (const [i, { model }] of cases.entries()) await comesBack(folders[i], model);
});

/** Networks whose gradients are compared: every arithmetic with each of its gradients, and the layers that PyTorch lacks. */
const compared: Readonly<Record<string, NetworkOptions>> = {
  product: {},
  adder: { arithmetic: "adder" },
  "mitchell-approx": { arithmetic: "mitchell", gradient: "approx" },
  "mitchell-exact": { arithmetic: "mitchell", gradient: "exact" },
  "mitchell-ste": { arithmetic: "mitchell", gradient: "ste" },
  ...Object.fromEntries((Object.keys(designs) as DesignName[]).map((conv) => [conv, { conv }])),
};

/** Loss, gradients and new statistics of one step, by the reference. */
async function expectedOf(model: Model): Promise<Uint8Array> {
  const { network, options, labels, preprocessing } = model;
  const build = { ...options, classes: labels.length, batch: 8, size: SIDE / 2, channels: preprocessing.channels, isTraining: true };
  const { graph } = withGradients(buildNetwork(network, build));
  using session = await referenceBackend.open(graph, model.weights);
  const drawn = (name: string, shape: readonly number[]): Tensor => {
    const { uniform } = random(5, name);
    return { shape, data: Float32Array.from({ length: size(shape) }, (_, i) => 3 * uniform(i) - 1.5) };
  };
  const image = drawn("image", [8, preprocessing.channels, SIDE / 2, SIDE / 2]);
  const target = {
    shape: [8, labels.length],
    data: Float32Array.from({ length: 8 * labels.length }, (_, i) => (i % (labels.length + 1) === 0 ? 1 : 0)),
  };
  const outputs = session.run({ image, target });
  const kept = Object.entries(outputs).filter(([name]) => name === "loss" || name.startsWith("gradient of ") || name.startsWith("new "));
  return serialiseSafetensors([["image", image], ["target", target], ...kept]);
}

test("gradients are ours: clipped and rated distances, each of Mitchell's, and the layers that PyTorch lacks", async (t) => {
  const folders: string[] = [];
  for (const [name, more] of Object.entries(compared)) {
    const model = smallModel("vanilla-compact", { dropout: 0, width: 0.25, ...more }, SIDE / 2);
    folders.push(await exported(`gradients-${name}`, model, { "expected.safetensors": await expectedOf(model) }));
  }
  for (const { folder, loss, gradients, states } of check(folders)) {
    t.diagnostic(`${folder}: loss ${loss.toPrecision(2)}, gradients ${gradients.toPrecision(2)}, statistics ${states.toPrecision(2)}`);
    assert.ok(loss < 1e-4 && gradients < 1e-3 && states < 1e-4, folder);
  }
});

for (const [name, more] of [
  ["mobilenet-v2", {}],
  ["addernet-resnet-20", {}],
  ["micronet-m3", {}],
  ["vanilla-compact", { arithmetic: "mitchell" }],
] as const) {
  test(`${name} trains an epoch on two processes, and comes back`, async () => {
    const model = smallModel(name, more);
    const folder = await exported(`two-${name}`, model);
    // Debian's PyTorch 1.13 on Python 3.11 cannot start without a choice of streams.
    const run = ["-m", "torch.distributed.run", "--nproc_per_node", "2", "--master_port", "29541", "--redirects", "1", "--tee", "1"];
    const output = runPython(
      [...run, "--log_dir", join(place, "logs"), "train.py", "--data", join(place, "images"), "--epochs", "1", "--batch", "16"],
      folder,
    );
    assert.match(output, /2 steps on 2 process\(es\), cpu\n[\s\S]*epoch 1\/1 /);
    assert.match(runPython(["model.py", "--check"], folder), /the logits are those of golden\.json/);
    await comesBack(folder, model);
  });
}

test("schedules, optimisers, clipping and averages are ours", async () => {
  const folder = await exported("rules", smallModel("vanilla-compact"));
  const args = [join(import.meta.dirname, "rules.py"), folder];
  const { status, stdout, stderr } = spawnSync(python, args, { input: question(), encoding: "utf8" });
  assert.equal(status, 0, stderr);
  const answer: { readonly rates: number[][]; readonly updated: number[][][] } = JSON.parse(stdout);
  for (const [i, rules] of ruleRecipes.entries()) {
    const rates = Array.from({ length: STEPS_PER_EPOCH * rules.epochs }, (_, step) => learningRateAt(rules, step, STEPS_PER_EPOCH));
    close(answer.rates[i], rates, `learning rates, ${rules.schedule.kind}`);
    close(answer.updated[i].flat(), (await updated(rules)).flat(), `updates, ${rules.optimiser.kind}`);
  }
});

function close(found: readonly number[], expected: readonly number[], what: string): void {
  assert.equal(found.length, expected.length);
  for (const [i, x] of expected.entries())
    assert.ok(Math.abs(found[i] - x) < 1e-6 * Math.max(1, Math.abs(x)), `${what}: ${i} is ${found[i]}, ours ${x}`);
}

test("a folder of images is prepared as ours, and trains with every random change that a recipe can ask for", async () => {
  const files = await stripeFiles("photos", 12, ["left", "right"]);
  for (const [name, bytes] of Object.entries({ ...files, ...(await stripeFiles("photos", 12, ["right", "both"])) })) {
    await mkdir(dirname(join(place, name)), { recursive: true });
    await writeFile(join(place, name), bytes);
  }
  const changes = { epochs: 1, batch: 8, augmentation: { ...recipe("paper-adamw").augmentation, pad: 2, jitter: 0.3 } };
  const model = smallModel("vanilla-compact", {}, 24);
  const folder = await exported("photographs", model, {}, recipe("paper-adamw", changes));
  const program = `import data, json; images = data.open_images(${JSON.stringify(join(place, "photos"))}, ["left", "right", "both"]);
print(json.dumps([str(images.paths[0]), *(images.pixels(0, 24, 1, "crop", share).reshape(-1).tolist() for share in (1, 0.7))]))`;
  const [path, ...prepared] = JSON.parse(runPython(["-c", program], folder));
  for (const [n, share] of [1, 0.7].entries()) {
    const ours = await openDecoder()(path, { ...model.preprocessing, share });
    assert.equal(prepared[n].length, ours.length);
    for (const [i, byte] of ours.entries())
      assert.ok(Math.abs(prepared[n][i] - byte) <= 1, `share ${share}: pixel ${i} is ${prepared[n][i]}, ours ${byte}`);
  }
  assert.match(runPython(["train.py", "--data", join(place, "photos")], folder), /epoch 1\/1 /);
  await comesBack(folder, model);
});

test("a training that goes on from its checkpoint is the one that was not stopped, bit by bit", async () => {
  const model = smallModel("vanilla-compact");
  const [whole, halves] = [await exported("whole", model), await exported("halves", model)];
  const args = ["train.py", "--data", join(place, "images"), "--epochs", "2", "--batch", "16", "--fresh"];
  runPython(args, whole);
  runPython([...args, "--steps", "3"], halves);
  const refused = spawnSync(python, args, { cwd: halves, encoding: "utf8" });
  assert.match(refused.stderr, /checkpoint\.pt is there: --resume goes on from it/);
  runPython([...args, "--resume"], halves);
  const [first, second] = [await fromPytorch(whole), await fromPytorch(halves)];
  assert.deepEqual(second.model.weights, first.model.weights);
});
