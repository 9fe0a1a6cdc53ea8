import assert from "node:assert/strict";
import { mkdir, mkdtemp, open, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { FileError } from "../core/errors.ts";
import { atomicWrite, type FileSystem, fileSystem } from "./atomicWrite.node.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "goldcrest-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** A file system whose `call` on a file handle fails with `code`. */
function failing(call: "writeFile" | "sync", code: string): FileSystem {
  return {
    ...fileSystem,
    open: async (...args: Parameters<typeof open>) => {
      const handle = await open(...args);
      handle[call] = () => Promise.reject(Object.assign(new Error(`${code}: injected`), { code }));
      return handle;
    },
  };
}

test("a file is replaced and nothing else is left in the folder", async () => {
  const path = join(folder, "model.bin");
  await atomicWrite(path, "old");
  await atomicWrite(path, new Uint8Array([1, 2, 3]));
  assert.deepEqual([...(await readFile(path))], [1, 2, 3]);
  assert.deepEqual(await readdir(folder), ["model.bin"]);
});

for (const [call, code] of [
  ["writeFile", "ENOSPC"],
  ["sync", "EIO"],
] as const) {
  test(`${code} in ${call} keeps the old file, leaves no other, and says what to do`, async () => {
    const path = join(folder, "model.bin");
    await writeFile(path, "old");
    await assert.rejects(atomicWrite(path, "new", failing(call, code)), (error) => {
      assert(error instanceof FileError);
      assert.match(error.message, new RegExp(`model\\.bin" \\(${code}\\): the disk`));
      return true;
    });
    assert.equal(await readFile(path, "utf8"), "old");
    assert.deepEqual(await readdir(folder), ["model.bin"]);
  });
}

test("a failing rename leaves no temporary file", async () => {
  const path = join(folder, "taken");
  await mkdir(join(path, "inside"), { recursive: true });
  await assert.rejects(atomicWrite(path, "new"), FileError);
  assert.deepEqual(await readdir(folder), ["taken"]);
});

test("a missing folder is named with its remedy", async () => {
  await assert.rejects(
    atomicWrite(join(folder, "nowhere", "model.bin"), "x"),
    /nowhere\/model\.bin" \(ENOENT\): the folder does not exist/,
  );
});
