import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { test } from "node:test";
import { folderLabels, writeSampleFolder } from "../../../test/lib/sampleFolder.ts";
import { openFashionMnist } from "../fashionMnist.node.ts";
import { openFolder } from "./openFolder.node.ts";

test("images written as a folder of JPEG, PNG and WebP files come back as the pixels they were made from", async () => {
  const rule = { size: 28, channels: 1, fit: "crop" } as const;
  const root = await mkdtemp(join(tmpdir(), "goldcrest-equal-"));
  try {
    const original = await openFashionMnist({ part: "embedded" });
    const indices = Array.from({ length: 80 }, (_, i) => i * 7);
    await writeSampleFolder(root, original, indices);
    const folder = await openFolder(root, { cacheFolder: false, threads: 1 });
    assert.deepEqual([...folder.labels].sort(), [...folderLabels].map((label) => label.normalize("NFC")).sort());
    assert.deepEqual([folder.count, folder.problems, folder.channels], [80, [], 1]);
    let total = 0;
    for (let i = 0; i < folder.count; i++) {
      const place = Number.parseInt(basename(folder.nameOf(i)), 10);
      assert.equal(folder.labels[folder.labelOf(i)], folderLabels[original.labelOf(indices[place])].normalize("NFC"));
      const [found, expected] = [await folder.pixels(i, rule), await original.pixels(indices[place], rule)];
      const difference = expected.reduce((sum, byte, at) => sum + Math.abs(byte - found[at]), 0) / expected.length;
      if (place % 8 === 0 || place % 8 === 3) assert.equal(difference, 0, `${folder.nameOf(i)} is stored exactly`);
      assert.ok(difference < 12, `${folder.nameOf(i)} differs by ${difference}`);
      total += difference / folder.count;
    }
    assert.ok(total < 5, `mean difference ${total}`);
    await folder.close();
  } finally {
    await rm(root, { recursive: true });
  }
});
