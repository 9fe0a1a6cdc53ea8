import assert from "node:assert/strict";
import { test } from "node:test";
import type { Augmentation } from "./augment.ts";
import type { Dataset } from "./dataset.ts";
import { type LoaderOptions, openLoader } from "./loader.ts";
import { normaliseTable, type PixelTarget } from "./normalise.ts";
import { type Preprocessing, preprocessingFor } from "./preprocessing.ts";

const SIZE = 6;
const CLASSES = 3;

/** A data set of colour pictures that differ in every pixel; `bad` ones cannot be read, and all come later if `isAsync`. */
function pictures(count: number, { bad = [], isAsync = false }: { bad?: number[]; isAsync?: boolean } = {}): Dataset {
  const bytes = (index: number, size: number): Uint8Array =>
    Uint8Array.from({ length: size * size * 3 }, (_, i) => (Math.imul(index * 7919 + i + 1, 0x9e3779b1) >>> 24) & 255);
  return {
    ...{ name: "pictures", labels: ["a", "b", "c"], count, channels: 3, problems: [], warnings: [] },
    labelOf: (index) => index % CLASSES,
    nameOf: String,
    pixels: (index, { size }) => {
      if (bad.includes(index)) return Promise.reject(new Error(`${index} is bad`));
      return isAsync ? new Promise((resolve) => setImmediate(() => resolve(bytes(index, size)))) : bytes(index, size);
    },
    fingerprint: async () => "",
    close: async () => undefined,
  };
}

const preprocessing = preprocessingFor({ size: SIZE, channels: 3, fit: "crop" });
const all = (dataset: Dataset): Uint32Array => Uint32Array.from({ length: dataset.count }, (_, i) => i);

/** Targets as the engine lays them out: NHWC with the channels padded to 4, after an offset's worth of other memory. */
function targets(batch: number): { image: PixelTarget; target: PixelTarget } {
  const image = {
    shape: [batch, 3, SIZE, SIZE],
    strides: [SIZE * SIZE * 4, 1, SIZE * 4, 4],
    data: new Float32Array(batch * SIZE * SIZE * 4).fill(9),
  };
  const target = { shape: [batch, CLASSES], strides: [4, 1], data: new Float32Array(batch * 4).fill(9) };
  return { image, target };
}

function open(dataset: Dataset, options: Partial<LoaderOptions> & { batch: number }): ReturnType<typeof openLoader> {
  return openLoader(dataset, all(dataset), { preprocessing, ...options });
}

async function fillOnce(dataset: Dataset, options: Partial<LoaderOptions> & { batch: number }, epoch = 0, batch = 0) {
  const { image, target } = targets(options.batch);
  const { indices } = await open(dataset, options).fill(epoch, batch, image, target);
  return { image: image.data, target: target.data, indices: [...indices] };
}

test("evaluation visits every image once, in order, and leaves the rest of the last batch zero", async () => {
  const dataset = pictures(10, { isAsync: true });
  const loader = open(dataset, { batch: 4 });
  const { image, target } = targets(4);
  assert.equal(loader.batches, 3);
  const seen: number[] = [];
  for (let batch = 0; batch < 3; batch++) {
    const { count, indices } = await loader.fill(0, batch, image, target);
    assert.equal(count, batch < 2 ? 4 : 2);
    seen.push(...indices);
  }
  assert.deepEqual(seen, [...all(dataset).keys()]);
  const table = normaliseTable(preprocessing);
  const bytes = await dataset.pixels(8, preprocessing);
  for (let i = 0; i < SIZE * SIZE; i++) {
    for (let c = 0; c < 3; c++) assert.equal(image.data[i * 4 + c], table[c * 256 + bytes[i * 3 + c]]);
    assert.equal(image.data[i * 4 + 3], 9, "the padding is not touched");
  }
  assert.deepEqual([...target.data.subarray(0, 3)], [0, 0, 1]);
  const rest = image.data.subarray(2 * SIZE * SIZE * 4).filter((_, i) => i % 4 !== 3);
  assert.ok(rest.every((value) => value === 0));
  assert.ok(target.data.subarray(8).every((value, i) => value === (i % 4 === 3 ? 9 : 0)));
});

test("training visits every image at most once an epoch, in an order fixed by seed and epoch", async () => {
  const dataset = pictures(22);
  const orderOf = async (seed: number, epoch: number): Promise<number[]> => {
    const loader = open(dataset, { batch: 5, isTraining: true, seed });
    const { image, target } = targets(5);
    const seen: number[] = [];
    for (let batch = 0; batch < loader.batches; batch++) seen.push(...(await loader.fill(epoch, batch, image, target)).indices);
    return seen;
  };
  const first = await orderOf(1, 0);
  assert.equal(new Set(first).size, 20);
  assert.deepEqual(await orderOf(1, 0), first);
  assert.notDeepEqual(await orderOf(1, 1), first);
  assert.notDeepEqual(await orderOf(2, 0), first);
});

const everything: Augmentation = {
  pad: 2,
  area: [0.5, 1],
  isFlipped: true,
  jitter: 0.3,
  randAugment: { operations: 2, magnitude: 7 },
  mixup: 0.4,
};

test("a batch depends on its position only: not on what came before, on prefetching, or on when pixels arrive", async () => {
  const options = { batch: 6, isTraining: true, seed: 3, augmentation: everything };
  const expected = await fillOnce(pictures(40), options, 2, 4);
  const loader = open(pictures(40, { isAsync: true }), { ...options, prefetch: 5 });
  const { image, target } = targets(6);
  for (let epoch = 0; epoch <= 2; epoch++)
    for (let batch = 0; batch < (epoch < 2 ? loader.batches : 5); batch++) await loader.fill(epoch, batch, image, target);
  assert.deepEqual(image.data, expected.image);
  assert.deepEqual(target.data, expected.target);
  const other = await fillOnce(pictures(40), { ...options, seed: 4 }, 2, 4);
  assert.notDeepEqual(other.image, expected.image);
});

test("fewer images than a batch are repeated, each time changed differently", async () => {
  const { image, indices } = await fillOnce(pictures(2), { batch: 6, isTraining: true, augmentation: { pad: 3, jitter: 0.5 } });
  assert.deepEqual([...new Set(indices)].sort(), [0, 1]);
  const perImage = SIZE * SIZE * 4;
  const [first, third] = [image.subarray(0, perImage), image.subarray(2 * perImage, 3 * perImage)];
  assert.equal(indices[0], indices[2]);
  assert.notDeepEqual(first, third);
});

test("an unreadable image is replaced by another of its label in training and left out in evaluation", async () => {
  const dataset = pictures(9, { bad: [3, 4] });
  const trained = await fillOnce(dataset, { batch: 9, isTraining: true });
  assert.equal(trained.indices.length, 9);
  assert.ok(!trained.indices.includes(3) && !trained.indices.includes(4));
  assert.deepEqual(
    [0, 1, 2].map((label) => trained.indices.filter((index) => index % 3 === label).length),
    [3, 3, 3],
  );
  const evaluated = await fillOnce(dataset, { batch: 9 });
  assert.deepEqual(evaluated.indices, [0, 1, 2, 5, 6, 7, 8]);
  const hopeless = pictures(3, { bad: [0, 1, 2] });
  await assert.rejects(fillOnce(hopeless, { batch: 3, isTraining: true }), /is bad/);
});

test("mixup mixes pictures and targets of a pair with the same share", async () => {
  const dataset = pictures(8);
  const options = { batch: 8, isTraining: true, seed: 5 };
  const plain = await fillOnce(dataset, options);
  const mixed = await fillOnce(dataset, { ...options, augmentation: { mixup: 1 } });
  let changed = 0;
  for (let n = 0; n < 8; n++) {
    const row = mixed.target.subarray(n * 4, n * 4 + 3);
    assert.ok(Math.abs(row.reduce((sum, value) => sum + value, 0) - 1) < 1e-6);
    const own = plain.target.subarray(n * 4, n * 4 + 3).indexOf(1);
    const partner = plain.target.subarray((7 - n) * 4, (7 - n) * 4 + 3).indexOf(1);
    if (own === partner) continue;
    changed++;
    const share = row[own];
    for (let i = 0; i < SIZE * SIZE * 4; i++) {
      const expected =
        i % 4 === 3 ? 9 : share * plain.image[n * SIZE * SIZE * 4 + i] + (1 - share) * plain.image[(7 - n) * SIZE * SIZE * 4 + i];
      assert.ok(Math.abs(mixed.image[n * SIZE * SIZE * 4 + i] - expected) < 1e-4);
    }
  }
  assert.ok(changed >= 2);
});

test("class weights scale the rows of their label", async () => {
  const { target, indices } = await fillOnce(pictures(6), { batch: 6, classWeights: Float32Array.of(0.5, 1, 2) });
  for (const [n, index] of indices.entries()) assert.equal(target[n * 4 + (index % 3)], [0.5, 1, 2][index % 3]);
});

test("targets of another shape, an empty part and a batch of 0 are refused", async () => {
  const dataset = pictures(6);
  const { image, target } = targets(4);
  await assert.rejects(open(dataset, { batch: 5 }).fill(0, 0, image, target), /image has shape/);
  assert.throws(() => openLoader(dataset, new Uint32Array(0), { preprocessing, batch: 4 }), /a part without images/);
  assert.throws(() => open(dataset, { batch: 0 }), /batch: found 0/);
});

test("preprocessing turns bytes into (byte / 255 − mean) / std, and nonsense in a record is refused by field", async () => {
  const { checkPreprocessing } = await import("./preprocessing.ts");
  const record: Preprocessing = { size: 2, channels: 1, fit: "squash", mean: [0.5], std: [0.25] };
  assert.deepEqual(
    [0, 128, 255].map((byte) => normaliseTable(record)[byte]),
    [-2, Math.fround((128 / 255 - 0.5) / 0.25), 2],
  );
  assert.deepEqual(checkPreprocessing(JSON.parse(JSON.stringify({ ...record, other: 1 }))), record);
  const bad: [object, RegExp][] = [
    [{ size: 0 }, /preprocessing\.size: found 0/],
    [{ channels: 2 }, /preprocessing\.channels: found 2/],
    [{ fit: "stretch" }, /preprocessing\.fit: found "stretch"/],
    [{ mean: [1, 2] }, /preprocessing\.mean/],
    [{ std: [0] }, /preprocessing\.std/],
    [{ mean: ["1"] }, /preprocessing\.mean/],
  ];
  for (const [change, message] of bad) assert.throws(() => checkPreprocessing({ ...record, ...change }), message);
  assert.throws(() => checkPreprocessing(null), /preprocessing\.size: found nothing/);
});
