import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { DataError, FileError, FormatError } from "../core/errors.ts";
import { countByLabel } from "./dataset.ts";
import { isMnistFolder, openFashionMnist, openMnistFolder } from "./fashionMnist.node.ts";
import { fashionLabels, idxNames } from "./fashionMnist.ts";
import { type Idx, parseIdx, serialiseIdx } from "./idx.ts";
import { idxDataset } from "./idxDataset.ts";
import { splitDataset } from "./split.ts";

const system = "/usr/share/datasets/fashion-mnist";

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "goldcrest-idx-"));
  try {
    await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function tinyPair(count: number, size: number): { images: Idx; labels: Idx } {
  const data = Uint8Array.from({ length: count * size * size }, (_, i) => (i * 7) & 255);
  return {
    images: { shape: [count, size, size], data },
    labels: { shape: [count], data: Uint8Array.from({ length: count }, (_, i) => i % 3) },
  };
}

test("the embedded part has 600 training and 100 test images of each class", async () => {
  const dataset = await openFashionMnist({ part: "embedded" });
  assert.deepEqual(dataset.labels, fashionLabels);
  assert.equal(dataset.count, 7000);
  assert.deepEqual([...countByLabel(dataset, dataset.fixedParts?.train)], Array(10).fill(600));
  assert.deepEqual([...countByLabel(dataset, dataset.fixedParts?.test)], Array(10).fill(100));
  assert.equal((await dataset.pixels(0, { size: 28, channels: 1, fit: "crop" })).length, 784);
});

test("the embedded images are the first of each class in the published files", async (t) => {
  if (!(await isMnistFolder(system))) return t.skip("dataset-fashion-mnist is not installed");
  const full = await openFashionMnist({ folder: system });
  const embedded = await openFashionMnist({ part: "embedded" });
  assert.equal(full.count, 70000);
  assert.deepEqual(full.labels, fashionLabels);
  const rule = { size: 28, channels: 1, fit: "crop" } as const;
  for (const part of ["train", "test"] as const) {
    const seen = new Uint32Array(10);
    const limit = part === "train" ? 600 : 100;
    let at = embedded.fixedParts?.[part]?.[0] ?? 0;
    for (const index of full.fixedParts?.[part] ?? []) {
      if (seen[full.labelOf(index)]++ >= limit) continue;
      assert.equal(embedded.labelOf(at), full.labelOf(index));
      if (at % 97 === 0) assert.deepEqual(await embedded.pixels(at, rule), await full.pixels(index, rule));
      at++;
    }
  }
});

test("a folder of four files is a data set, compressed or not, and other labels than Fashion-MNIST's are numbers", async () => {
  await inFolder(async (folder) => {
    const [train, testing] = [tinyPair(9, 5), tinyPair(3, 5)];
    await writeFile(join(folder, idxNames.trainImages), serialiseIdx(train.images));
    await writeFile(join(folder, `${idxNames.trainLabels}.gz`), gzipSync(serialiseIdx(train.labels)));
    await writeFile(join(folder, "t10k-images.idx3-ubyte"), serialiseIdx(testing.images));
    await assert.rejects(openMnistFolder(folder), (error) => error instanceof FileError && error.message.includes(idxNames.testLabels));
    await writeFile(join(folder, idxNames.testLabels), serialiseIdx(testing.labels));
    const dataset = await openMnistFolder(folder);
    assert.deepEqual([dataset.labels, dataset.count, dataset.nativeSize], [["0", "1", "2"], 12, 5]);
    assert.equal(dataset.nameOf(10), "test 1");
    assert.deepEqual(await dataset.pixels(2, { size: 5, channels: 1, fit: "crop" }), train.images.data.subarray(50, 75));
    assert.equal((await dataset.pixels(2, { size: 8, channels: 3, fit: "crop" })).length, 192);
    assert.match(await dataset.fingerprint(), /^[0-9a-f]{64}$/);
  });
});

test("an IDX file that is not exactly what its header says is refused", async () => {
  const good = serialiseIdx(tinyPair(4, 3).images);
  const changed = (at: number, value: number): Uint8Array => {
    const copy = good.slice();
    copy[at] = value;
    return copy;
  };
  const cases: [string, Uint8Array, RegExp][] = [
    ["empty", new Uint8Array(0), /found 0 bytes/],
    ["cut", good.subarray(0, good.length - 1), /needs 52 bytes, found 51/],
    ["trailing", Uint8Array.of(...good, 0), /needs 52 bytes, found 53/],
    ["wrong type", changed(2, 13), /starts with 0 0 13 3/],
    ["wrong rank", changed(3, 1), /starts with 0 0 8 1/],
    ["no images", changed(7, 0), /no elements/],
    ["huge", changed(4, 255), /more than/],
    ["cut gzip", gzipSync(good).subarray(0, 30), /damaged or truncated gzip/],
    ["bomb", gzipSync(Buffer.concat([good, Buffer.alloc(1_000_000)])), /holds more than the 52 bytes/],
  ];
  for (const [name, bytes, message] of cases) {
    await assert.rejects(parseIdx(bytes, "x", 3), (error) => error instanceof FormatError && message.test(error.message), name);
  }
  assert.deepEqual((await parseIdx(gzipSync(good), "x", 3)).data, good.subarray(16));
});

test("images and labels that differ in number, and labels without a name, are refused", () => {
  const pair = tinyPair(4, 3);
  const three = { shape: [3], data: pair.labels.data.subarray(0, 3) };
  assert.throws(() => idxDataset({ name: "x", train: { ...pair, labels: three } }), DataError);
  assert.throws(() => idxDataset({ name: "x", train: pair, labels: ["a", "b"] }), /found label 2, needs at most 1/);
});

test("the validation part is a stratified tenth of the training images, fixed by the seed, and leaves the test part alone", async () => {
  const dataset = await openFashionMnist({ part: "embedded" });
  const parts = splitDataset(dataset, { validation: 0.1, seed: 1 });
  assert.deepEqual([...countByLabel(dataset, parts.validation)], Array(10).fill(60));
  assert.deepEqual([...countByLabel(dataset, parts.train)], Array(10).fill(540));
  assert.deepEqual(parts.test, dataset.fixedParts?.test);
  assert.deepEqual(splitDataset(dataset, { seed: 1 }), parts);
  assert.notDeepEqual(splitDataset(dataset, { seed: 2 }).validation, parts.validation);
  assert.equal(new Set([...parts.train, ...parts.validation]).size, 6000);
});

test("the embedded files stay within 4 MB and carry their licence", async () => {
  const folder = new URL("./embedded/", import.meta.url);
  let bytes = 0;
  for (const name of Object.values(idxNames)) bytes += (await readFile(new URL(`${name}.gz`, folder))).length;
  assert.ok(bytes < 4_000_000, `${bytes} bytes`);
  assert.match(await readFile(new URL("LICENSE", folder), "utf8"), /MIT License[\s\S]*Zalando/);
});
