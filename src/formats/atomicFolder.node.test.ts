import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { writeFolder } from "./atomicFolder.node.ts";

let place: string;
before(async () => {
  place = await mkdtemp(join(tmpdir(), "goldcrest-folder-"));
});
after(() => rm(place, { recursive: true }));

const never = async (): Promise<boolean> => assert.fail("nothing is there to be asked about");

test("a folder is written where there is none, or an empty one", async () => {
  await writeFolder(join(place, "new"), { a: "1" }, never);
  await mkdir(join(place, "empty"));
  await writeFolder(join(place, "empty"), { a: "2", b: Uint8Array.of(3) }, never);
  assert.deepEqual((await readdir(join(place, "empty"))).sort(), ["a", "b"]);
  assert.deepEqual((await readdir(place)).sort(), ["empty", "new"]);
});

test("a folder with other contents stays; one's own is replaced as a whole", async () => {
  const path = join(place, "held");
  await writeFolder(path, { old: "1" }, never);
  await assert.rejects(
    writeFolder(path, { a: "1" }, async () => false),
    { code: "file", message: /other contents is there; nothing is overwritten/ },
  );
  assert.deepEqual(await readdir(path), ["old"]);
  await writeFolder(path, { a: "1" }, async (names) => names.join() === "old");
  assert.deepEqual(await readdir(path), ["a"]);
  assert.deepEqual(
    (await readdir(place)).filter((name) => name.startsWith(".")),
    [],
  );
});

test("what cannot be written leaves nothing behind", async () => {
  await writeFile(join(place, "file"), "x");
  await assert.rejects(writeFolder(join(place, "file"), { a: "1" }, never), {
    code: "file",
    message: /a file; a folder is to be written there/,
  });
  await assert.rejects(writeFolder(join(place, "none", "inside"), { a: "1" }, never), { code: "file", message: /ENOENT/ });
  const held = await readdir(place);
  await assert.rejects(writeFolder(join(place, "half"), { a: "1", "b/c": "2" }, never), { code: "file" });
  assert.deepEqual(await readdir(place), held);
  assert.equal(await readFile(join(place, "file"), "utf8"), "x");
});
