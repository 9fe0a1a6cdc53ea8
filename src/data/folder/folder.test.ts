import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, open, readdir, rename, rm, stat, symlink, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { pngFile, writeSample } from "../../../test/lib/samples.ts";
import { DataError } from "../../core/errors.ts";
import { classWeights, countByLabel } from "../dataset.ts";
import type { Image, PixelRule } from "../image.ts";
import { openDecoder } from "../imageFile.node.ts";
import { duplicateWarnings, splitDataset } from "../split.ts";
import { compareCodePoints } from "./labels.ts";
import { type FolderOptions, openFolder } from "./openFolder.node.ts";
import { scanFolder } from "./scan.node.ts";

const load = openDecoder();
const rule: PixelRule = { size: 16, channels: 3, fit: "crop" };

/** A small picture that depends on a number. */
function picture(seed: number, width = 24, height = 18, channels: 1 | 3 | 4 = 3): Image {
  const data = Uint8Array.from(
    { length: width * height * channels },
    (_, i) => (Math.floor(i / channels / 3) * (seed + 3) + i * seed) & 255,
  );
  return { width, height, channels, data };
}

const png = (seed: number): Promise<Uint8Array> => writeSample(picture(seed), { format: "png" });

/** A folder with the files given, and one for caches. */
async function withFolder(
  files: Record<string, Uint8Array | string>,
  use: (root: string, options: FolderOptions) => Promise<void>,
): Promise<void> {
  const place = await mkdtemp(join(tmpdir(), "goldcrest-folder-"));
  try {
    const root = join(place, "images");
    await mkdir(root);
    for (const [path, contents] of Object.entries(files)) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), contents);
    }
    await use(root, { cacheFolder: join(place, "cache"), threads: 2 });
  } finally {
    await rm(place, { recursive: true });
  }
}

async function assertRefused(root: string, options: FolderOptions, message: RegExp): Promise<void> {
  await assert.rejects(openFolder(root, options), (error) => {
    assert.ok(error instanceof DataError, String(error));
    assert.match(error.message, message);
    assert.ok(error.message.includes(root), "names the folder");
    return true;
  });
}

const twoLabels = { "cat/a.png": await png(1), "cat/b.png": await png(2), "dog/a.png": await png(3), "dog/b.png": await png(4) };

test("labels are the sub-folders in code-point order; nested images, Unicode names and any letter case of endings count", async () => {
  const files = {
    "żółw/1.png": await png(1),
    "Zebra/deep/er/2.PNG": await png(2),
    "apple/3.jpeg": await writeSample(picture(3), { format: "jpeg" }),
    "𝒳/4.webp": await writeSample(picture(4), { format: "webp" }),
    "ﬀ/5.png": await png(5),
    "apple/notes.txt": "hello",
    "apple/.hidden.png": "x",
    ".git/config.png": "x",
    "loose.png": await png(6),
  };
  await withFolder(files, async (root, options) => {
    const dataset = await openFolder(root, options);
    assert.deepEqual(dataset.labels, ["Zebra", "apple", "żółw", "ﬀ", "𝒳"]);
    assert.deepEqual(dataset.labels, [...dataset.labels].sort(compareCodePoints));
    const names = Array.from({ length: dataset.count }, (_, i) => dataset.nameOf(i));
    assert.deepEqual(names, ["Zebra/deep/er/2.PNG", "apple/3.jpeg", "żółw/1.png", "ﬀ/5.png", "𝒳/4.webp"]);
    assert.deepEqual([dataset.problems, dataset.channels], [[], 3]);
    assert.match(dataset.warnings.join("\n"), /1 images outside the labels.*\n1 files that are not JPEG.*\(1 \.txt\)/);
    for (let i = 0; i < dataset.count; i++) {
      assert.deepEqual(Uint8Array.from(await dataset.pixels(i, rule)), await load(join(root, names[i]), rule));
    }
    await dataset.close();
  });
});

test("bad images are listed by name with their reasons and left out; strict refuses them", async () => {
  const jpeg = await writeSample(picture(5, 200, 160), { format: "jpeg" });
  const files = {
    ...twoLabels,
    "cat/cut.jpg": jpeg.subarray(0, jpeg.length / 2),
    "cat/empty.png": "",
    "dog/giant.png": pngFile(14000, 14000, 1, 0, new Uint8Array(100)),
    "dog/scan.jpg": "II*\0 a TIFF file",
    "dog/text.png": "hello",
  };
  await withFolder(files, async (root, options) => {
    const dataset = await openFolder(root, options);
    assert.equal(dataset.count, 4);
    const reasons = new Map(dataset.problems.map(({ name, reason }) => [name, reason]));
    assert.deepEqual([...reasons.keys()], ["cat/cut.jpg", "cat/empty.png", "dog/giant.png", "dog/scan.jpg", "dog/text.png"]);
    assert.match(reasons.get("cat/cut.jpg") ?? "", /^truncated JPEG/);
    assert.match(reasons.get("dog/giant.png") ?? "", /^found 14000 × 14000/);
    assert.match(reasons.get("dog/scan.jpg") ?? "", /^found a file in TIFF format/);
    await dataset.close();
    await assertRefused(
      root,
      { ...options, isStrict: true },
      /found 5 images that cannot be used, needs none \(strict\)\n {2}cat\/cut\.jpg: truncated/,
    );
    const structural = await openFolder(root, { ...options, check: "structure", cacheFolder: false });
    assert.equal(structural.count, 4);
    await structural.close();
  });
});

test("a missing folder, a file, an empty folder, loose images and a single label are refused with what is needed", async () => {
  await withFolder(twoLabels, async (root, options) => {
    await assertRefused(join(root, "nowhere"), options, /there is no such folder; needs a folder with one sub-folder for each label/);
    await assertRefused(join(root, "cat/a.png"), options, /found a file, needs a folder/);
    await rm(join(root, "dog"), { recursive: true });
    await assertRefused(root, options, /found images of only 1 label \("cat"\), needs at least 2 sub-folders/);
    await mkdir(join(root, "bird"));
    await assertRefused(root, options, /found images of only 1 label/);
    const one = await openFolder(root, { ...options, minLabels: 1 });
    assert.match(one.warnings[0], /label "bird" has no usable image/);
    await one.close();
    await assertRefused(join(root, "bird"), options, /found no usable image/);
    await assertRefused(join(root, "cat"), options, /found 2 images but no sub-folders, needs at least 2/);
  });
});

test("labels that differ only in normalisation or case are refused, naming both", async () => {
  await withFolder({ "caf\u00e9/1.png": await png(1), "cafe\u0301/2.png": await png(2) }, async (root, options) => {
    await assertRefused(root, options, /differ only in Unicode normalisation/);
  });
  await withFolder({ "Dog/1.png": await png(1), "dog/2.png": await png(2) }, async (root, options) => {
    await assertRefused(root, options, /"Dog" and "dog", which differ only in upper and lower case/);
  });
});

test("links are followed, but loops end and broken links are listed", async () => {
  await withFolder(twoLabels, async (root, options) => {
    await symlink(root, join(root, "cat/loop"));
    await symlink(join(root, "cat"), join(root, "cat/self"));
    await symlink(join(root, "dog"), join(root, "wolf"));
    await symlink(join(root, "nowhere.png"), join(root, "dog/broken.png"));
    const scan = await scanFolder(root);
    assert.ok(scan.files.length < 40);
    assert.deepEqual(scan.labels, ["cat", "dog", "wolf"]);
    assert.ok(scan.problems.some(({ name, reason }) => name === "dog/broken.png" && /ENOENT/.test(reason)));
    const dataset = await openFolder(root, options);
    assert.ok(dataset.warnings.some((text) => /images are also filed under another label/.test(text)));
    await dataset.close();
  });
});

test("train/ beside test/ or val/ is taken as the division; other folders of those names are labels", async () => {
  const divided = {
    "train/cat/1.png": await png(1),
    "train/dog/1.png": await png(2),
    "test/cat/2.png": await png(3),
    "val/dog/2.png": await png(4),
  };
  await withFolder(divided, async (root, options) => {
    const dataset = await openFolder(root, options);
    assert.deepEqual(dataset.labels, ["cat", "dog"]);
    const parts = splitDataset(dataset);
    const names = (indices: Uint32Array): string[] => [...indices].map((index) => dataset.nameOf(index));
    assert.deepEqual(
      [names(parts.train), names(parts.validation), names(parts.test)],
      [["train/cat/1.png", "train/dog/1.png"], ["val/dog/2.png"], ["test/cat/2.png"]],
    );
    await dataset.close();
  });
  await withFolder({ "train/1.png": await png(1), "plane/1.png": await png(2) }, async (root) => {
    assert.deepEqual((await scanFolder(root)).labels, ["plane", "train"]);
  });
});

test("the same image in two parts is warned of, unbalanced labels too, and class weights even them out", async () => {
  const files: Record<string, Uint8Array> = { ...twoLabels };
  for (let i = 0; i < 10; i++) files[`dog/more${i}.png`] = await png(10 + i);
  files["cat/copy.png"] = twoLabels["cat/a.png"];
  await withFolder(files, async (root, options) => {
    const dataset = await openFolder(root, options);
    assert.match(dataset.warnings.join("\n"), /unbalanced: 12 images of "dog" but 3 of "cat"/);
    const [a, b, copy] = [0, 1, 2];
    assert.equal(dataset.nameOf(copy), "cat/copy.png");
    const parts = { train: Uint32Array.of(a, b, 3), validation: Uint32Array.of(copy), test: Uint32Array.of(4) };
    assert.deepEqual(duplicateWarnings(dataset, parts), ["1 images are both in training and validation (cat/a.png = cat/copy.png)"]);
    assert.deepEqual([...classWeights(countByLabel(dataset))], [2.5, 0.625]);
    await dataset.close();
  });
});

test("prepared pixels are kept on disk, found again without the decoder, and rebuilt where damaged", async () => {
  await withFolder(twoLabels, async (root, options) => {
    const first = await openFolder(root, { ...options, rules: [rule] });
    const pixels = Uint8Array.from(await first.pixels(0, rule));
    await first.close();
    const entries = (await readdir(join(String(options.cacheFolder), "pixels"), { recursive: true, withFileTypes: true })).filter((entry) =>
      entry.isFile(),
    );
    assert.equal(entries.length, 4);
    assert.ok(entries.every(({ name }) => /^[0-9a-f]{64}$/.test(name)));
    const paths = entries.map(({ parentPath, name }) => join(parentPath, name));
    // With the source gone, only the cache can answer.
    await rename(join(root, "cat/a.png"), join(root, "a.away"));
    const cached = await openFolder(root, { ...options, memoryBytes: 0 });
    assert.equal(cached.count, 3);
    await cached.close();
    await rename(join(root, "a.away"), join(root, "cat/a.png"));
    const again = await openFolder(root, { ...options, memoryBytes: 0 });
    await rename(join(root, "cat/a.png"), join(root, "a.away"));
    assert.deepEqual(Uint8Array.from(await again.pixels(0, rule)), pixels);
    await rename(join(root, "a.away"), join(root, "cat/a.png"));
    for (const path of paths) await truncate(path, 40);
    assert.deepEqual(Uint8Array.from(await again.pixels(0, rule)), pixels);
    assert.ok((await Promise.all(paths.map((path) => stat(path).catch(() => undefined)))).some((info) => info && info.size === 16 + 768));
    await again.close();
  });
});

test("an index or a cached picture with a flipped bit is not believed", async () => {
  await withFolder(twoLabels, async (root, options) => {
    const first = await openFolder(root, { ...options, rules: [rule] });
    const pixels = Uint8Array.from(await first.pixels(1, rule));
    await first.close();
    const cache = String(options.cacheFolder);
    for (const entry of await readdir(cache, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const handle = await open(path, "r+");
      const { size } = await handle.stat();
      const byte = Buffer.alloc(1);
      await handle.read(byte, 0, 1, size - 9);
      byte[0] ^= 4;
      await handle.write(byte, 0, 1, size - 9);
      await handle.close();
    }
    const second = await openFolder(root, { ...options, memoryBytes: 0 });
    assert.equal(second.count, 4);
    assert.deepEqual(Uint8Array.from(await second.pixels(1, rule)), pixels);
    await second.close();
  });
});

test("a folder that is opened again is not decoded again, and a changed file is", async () => {
  await withFolder(twoLabels, async (root, options) => {
    const path = join(root, "cat/a.png");
    await utimes(path, 1_000_000, 1_000_000);
    await (await openFolder(root, options)).close();
    // Broken contents behind an unchanged length and time are believed to be as they were.
    await writeFile(path, new Uint8Array((await stat(path)).size));
    await utimes(path, 1_000_000, 1_000_000);
    const second = await openFolder(root, options);
    assert.equal(second.count, 4);
    await assert.rejects(Promise.resolve(second.pixels(0, rule)), /cat\/a\.png: it has changed since the folder was opened/);
    assert.deepEqual(second.problems, [{ name: "cat/a.png", reason: "it has changed since the folder was opened" }]);
    await second.close();
    await utimes(path, 1_000_000, 1_000_005);
    const third = await openFolder(root, options);
    assert.equal(third.count, 3);
    await third.close();
  });
});

test("a folder without a writable cache works all the same", async () => {
  await withFolder(twoLabels, async (root, options) => {
    const blocked = join(root, "cat/a.png");
    const dataset = await openFolder(root, { ...options, cacheFolder: blocked, rules: [rule] });
    assert.equal((await dataset.pixels(2, rule)).length, 768);
    await dataset.close();
    await assert.rejects(Promise.resolve(dataset.pixels(3, rule)), /has been closed/);
  });
});

test("memory holds no more than its share", async () => {
  await withFolder(twoLabels, async (root, options) => {
    const dataset = await openFolder(root, { ...options, memoryBytes: 1000 });
    for (let i = 0; i < 4; i++) await dataset.pixels(i, rule);
    const again = [0, 1, 2, 3].map((i) => dataset.pixels(i, rule));
    assert.deepEqual(
      again.map((pixels) => pixels instanceof Uint8Array),
      [true, false, false, false],
    );
    await Promise.all(again);
    await dataset.close();
  });
});

test("the fingerprint follows names, labels and contents, not the place", async () => {
  await withFolder(twoLabels, async (root, options) => {
    const first = await openFolder(root, options);
    const copy = join(root, "../copy");
    await cp(root, copy, { recursive: true });
    const second = await openFolder(copy, options);
    assert.equal(await first.fingerprint(), await second.fingerprint());
    await rename(join(copy, "dog/b.png"), join(copy, "cat/c.png"));
    const third = await openFolder(copy, options);
    assert.notEqual(await third.fingerprint(), await first.fingerprint());
    for (const dataset of [first, second, third]) await dataset.close();
  });
});

test("a folder of grey images says so", async () => {
  const grey = (seed: number): Promise<Uint8Array> => writeSample(picture(seed, 20, 20, 1), { format: seed % 2 ? "png" : "jpeg" });
  await withFolder({ "a/1.png": await grey(1), "a/2.jpg": await grey(2), "b/1.png": await grey(3) }, async (root, options) => {
    const dataset = await openFolder(root, options);
    assert.equal(dataset.channels, 1);
    await dataset.close();
  });
});
