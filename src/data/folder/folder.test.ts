import assert from "node:assert/strict";
import { cp, mkdir, rename, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { picture, png, twoLabels, withFolder } from "../../../test/lib/imageFolder.ts";
import { pngFile, writeSample } from "../../../test/lib/samples.ts";
import { DataError } from "../../core/errors.ts";
import { classWeights, countByLabel } from "../dataset.ts";
import type { PixelRule } from "../image.ts";
import { openDecoder } from "../imageFile.node.ts";
import { duplicateWarnings, splitDataset } from "../split.ts";
import { compareCodePoints } from "./labels.ts";
import { type FolderOptions, openFolder } from "./openFolder.node.ts";
import { scanFolder } from "./scan.node.ts";

const load = openDecoder();
const rule: PixelRule = { size: 16, channels: 3, fit: "crop" };

async function assertRefused(root: string, options: FolderOptions, message: RegExp): Promise<void> {
  await assert.rejects(openFolder(root, options), (error) => {
    assert.ok(error instanceof DataError, String(error));
    assert.match(error.message, message);
    assert.ok(error.message.includes(root), "names the folder");
    return true;
  });
}

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
    assert.match(dataset.warnings.join("\n"), /images outside the labels.*: 1\nfiles that are not JPEG.*: 1 \(1 \.txt\)/);
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
    assert.ok(dataset.warnings.some((text) => /images that are also filed under another label: \d/.test(text)));
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
    assert.deepEqual(duplicateWarnings(dataset, parts), ["images that are both in training and validation: 1 (cat/a.png = cat/copy.png)"]);
    assert.deepEqual([...classWeights(countByLabel(dataset))], [2.5, 0.625]);
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
