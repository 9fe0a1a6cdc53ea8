import assert from "node:assert/strict";
import { open, readdir, rename, stat, truncate, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { twoLabels, withFolder } from "../../../test/lib/imageFolder.ts";
import type { PixelRule } from "../image.ts";
import { openFolder } from "./openFolder.node.ts";

const rule: PixelRule = { size: 16, channels: 3, fit: "crop" };

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
