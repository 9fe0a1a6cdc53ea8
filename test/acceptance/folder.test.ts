/**
 * Part of the embedded set as a folder of JPEG, PNG and WebP files of mixed sizes, some turned, grey, transparent or with Unicode labels,
 * and the same images as IDX files: both ways lead to the same accuracy, and classify and evaluate agree.
 */
import assert from "node:assert/strict";
import { basename, extname, join } from "node:path";
import { after, before, test } from "node:test";
import { serialiseIdx } from "../../src/data/idx.ts";
import { openFashionMnist, openFolder } from "../../src/node.ts";
import type { Dataset } from "../../src/train.ts";
import { openWorkplace, type Workplace } from "../lib/commandLine.ts";
import { folderLabels, writeSampleFolder } from "../lib/sampleFolder.ts";

const TRAIN = 1500;
/** So many that chance alone seldom parts two equally good trainings by more than a point. */
const TEST = 3000;
const PIXELS = 28 * 28;
const rule = { size: 28, channels: 1, fit: "crop" } as const;

let work: Workplace;
before(async () => {
  work = await openWorkplace();
});
after(() => work.remove());

/** The first images of each label for training, the next ones for the test. */
function choose(data: Dataset): { readonly train: number[]; readonly test: number[] } {
  const taken = new Uint32Array(data.labels.length);
  const chosen: { train: number[]; test: number[] } = { train: [], test: [] };
  for (let index = 0; index < data.count; index++) {
    const place = taken[data.labelOf(index)]++ * data.labels.length;
    if (place < TRAIN + TEST) chosen[place < TRAIN ? "train" : "test"].push(index);
  }
  return chosen;
}

/** The files of one part as IDX bytes, in the order and with the numbers that the folder gives them. */
async function idxOf(
  folder: Dataset,
  indices: Uint32Array,
  original: Dataset,
  chosen: readonly number[],
): Promise<[Uint8Array, Uint8Array]> {
  const pixels = new Uint8Array(indices.length * PIXELS);
  for (const [i, index] of indices.entries()) {
    const place = Number.parseInt(basename(folder.nameOf(index)), 10);
    pixels.set(await original.pixels(chosen[place], rule), i * PIXELS);
  }
  const labels = Uint8Array.from(indices, (index) => folder.labelOf(index));
  return [serialiseIdx({ shape: [indices.length, 28, 28], data: pixels }), serialiseIdx({ shape: [indices.length], data: labels })];
}

async function writeBoth(): Promise<void> {
  const original = await openFashionMnist({ part: "embedded" });
  const chosen = choose(original);
  for (const part of ["train", "test"] as const) await writeSampleFolder(work.path("photos", part), original, chosen[part]);
  const folder = await openFolder(work.path("photos"), { cacheFolder: false, check: "structure" });
  const { fixedParts = { train: new Uint32Array() } } = folder;
  const [trainImages, trainLabels] = await idxOf(folder, fixedParts.train, original, chosen.train);
  const [testImages, testLabels] = await idxOf(folder, fixedParts.test ?? new Uint32Array(), original, chosen.test);
  const files = [folder.count, new Set(Array.from({ length: folder.count }, (_, i) => extname(folder.nameOf(i)))).size];
  assert.deepEqual([...files, folder.problems], [TRAIN + TEST, 4, []]);
  await folder.close();
  await work.write({
    "idx/train-images-idx3-ubyte": trainImages,
    "idx/train-labels-idx1-ubyte": trainLabels,
    "idx/t10k-images-idx3-ubyte": testImages,
    "idx/t10k-labels-idx1-ubyte": testLabels,
  });
}

async function accuracyOf(data: string): Promise<number> {
  const options = ["--size", "28", "--epochs", "8", "--validation", "0", "--seed", "3", "--json"];
  const { code, stdout, stderr } = await work.run(["fit", data, ...options, "--out", `${data}.safetensors`]);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /1,500 train, 3,000 are kept for the end; 8 epochs/);
  return JSON.parse(stdout).accuracy;
}

test("a folder of image files trains as well as the same images in IDX files", async (t) => {
  await writeBoth();
  const [photos, idx] = [await accuracyOf("photos"), await accuracyOf("idx")];
  t.diagnostic(`folder ${photos}, IDX ${idx}`);
  assert.ok(idx > 0.75, `the training is a real one: ${idx}`);
  assert.ok(Math.abs(photos - idx) <= 0.015, `folder ${photos}, IDX ${idx}`);
});

test("classify and evaluate agree on every file", async () => {
  const evaluated = await work.run(["evaluate", "photos.safetensors", "photos", "--json"]);
  const classified = await work.run(["classify", "photos.safetensors", join("photos", "test"), "--json"]);
  assert.deepEqual([evaluated.code, classified.code], [0, 0], evaluated.stderr + classified.stderr);
  const { accuracy, images, confusion, classes } = JSON.parse(evaluated.stdout);
  const labels: string[] = classes.map(({ label }: { label: string }) => label);
  assert.deepEqual([...labels].sort(), folderLabels.map((label) => label.normalize("NFC")).sort());
  const counted = labels.map(() => labels.map(() => 0));
  for (const { file, label } of JSON.parse(classified.stdout)) {
    counted[labels.indexOf(file.split("/")[2].normalize("NFC"))][labels.indexOf(label)]++;
  }
  assert.deepEqual(counted, confusion);
  const right = counted.reduce((sum, row, i) => sum + row[i], 0);
  assert.deepEqual([accuracy, images], [right / TEST, TEST]);
});
