import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, open, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { FileError } from "../core/errors.ts";
import { type FileSystem, fileSystem } from "../formats/atomicWrite.node.ts";
import { checkpointPaths, checkpointStore } from "./checkpointStore.node.ts";
import { LockedError } from "./errors.ts";

let folder: string;
let output: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "goldcrest-"));
  output = join(folder, "birds.safetensors");
});
afterEach(() => rm(folder, { recursive: true }));

/** Contents of all held checkpoints, newest first. */
async function contents(): Promise<string[]> {
  const held = await checkpointStore(output).list();
  return Promise.all(held.map(async ({ bytes }) => Buffer.from(await bytes()).toString()));
}

test("the newest and the one before are kept, and nothing else stays behind", async () => {
  const store = checkpointStore(output);
  await store.open();
  for (const text of ["one", "two", "three"]) await store.write(Buffer.from(text));
  await store.close();
  assert.deepEqual(await contents(), ["three", "two"]);
  assert.deepEqual((await readdir(folder)).sort(), ["birds.safetensors.checkpoint", "birds.safetensors.checkpoint.previous"]);
  await store.clear();
  assert.deepEqual(await readdir(folder), []);
});

test("a full disk is a FileError and both checkpoints stay", async () => {
  let isFull = false;
  const files: FileSystem = {
    ...fileSystem,
    open: async (...args: Parameters<typeof open>) => {
      const handle = await open(...args);
      if (isFull) handle.writeFile = () => Promise.reject(Object.assign(new Error("no space"), { code: "ENOSPC" }));
      return handle;
    },
  };
  const store = checkpointStore(output, files);
  await store.open();
  for (const text of ["one", "two"]) await store.write(Buffer.from(text));
  isFull = true;
  await assert.rejects(
    store.write(Buffer.from("three")),
    (error) => error instanceof FileError && /checkpoint" \(ENOSPC\): the disk is full/.test(error.message),
  );
  await store.close();
  assert.deepEqual(await contents(), ["two", "one"]);
  assert.equal((await readdir(folder)).length, 2);
  await assert.rejects(checkpointStore(output, files).open(), /ENOSPC/);
  assert.equal((await readdir(folder)).length, 2, "a refused store leaves no lock");
});

for (const failing of [1, 2]) {
  test(`a failing rename (number ${failing}) leaves a readable checkpoint`, async () => {
    let renames = 0;
    let isArmed = false;
    const files: FileSystem = {
      ...fileSystem,
      rename: async (from, to) => {
        if (isArmed && ++renames === failing) throw Object.assign(new Error("input/output error"), { code: "EIO" });
        await fileSystem.rename(from, to);
      },
    };
    const store = checkpointStore(output, files);
    await store.open();
    await store.write(Buffer.from("one"));
    isArmed = true;
    await assert.rejects(store.write(Buffer.from("two")), /EIO/);
    await store.close();
    assert.deepEqual(await contents(), ["one"]);
  });
}

test("a place that cannot be written is refused when the store is opened", async () => {
  await assert.rejects(checkpointStore(join(folder, "nowhere", "x")).open(), /ENOENT\): the folder does not exist/);
  await writeFile(join(folder, "file"), "");
  await assert.rejects(checkpointStore(join(folder, "file", "x")).open(), /ENOTDIR\)/);
  await mkdir(output);
  await assert.rejects(checkpointStore(output).open(), /that is a folder; give the name of a file/);
});

test("a second trainer on the same output is refused while the first lives, and may go on after it", async () => {
  const first = checkpointStore(output);
  await first.open();
  await assert.rejects(
    checkpointStore(output).open(),
    (error) => error instanceof LockedError && error.message.includes(`process ${process.pid}`),
  );
  await first.close();
  const second = checkpointStore(output);
  await second.open();
  await second.close();
});

test("of many that start at once one wins", async () => {
  const stores = Array.from({ length: 8 }, () => checkpointStore(output));
  const opened = await Promise.allSettled(stores.map((store) => store.open()));
  assert.equal(opened.filter(({ status }) => status === "fulfilled").length, 1);
  for (const store of stores) await store.close();
});

test("of many that find the lock of a dead process, one at most writes", async () => {
  const dead = { pid: 2 ** 22 + 1, host: hostname(), started: "", token: "gone" };
  for (let round = 0; round < 10; round++) {
    await writeFile(checkpointPaths(output).lock, JSON.stringify(dead));
    const stores = Array.from({ length: 6 }, () => checkpointStore(output));
    await Promise.allSettled(stores.map((store) => store.open()));
    const written = await Promise.allSettled(stores.map((store) => store.write(Buffer.from("mine"))));
    assert(written.filter(({ status }) => status === "fulfilled").length <= 1);
    for (const store of stores) await store.close();
    await rm(checkpointPaths(output).lock, { force: true });
  }
});

test("the lock of a killed process is taken over, its half-written files are removed", async () => {
  const script = `import { checkpointStore } from ${JSON.stringify(new URL("./checkpointStore.node.ts", import.meta.url).href)};
    await checkpointStore(process.argv[1]).open(); console.log("open"); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script, output], { stdio: ["ignore", "pipe", "inherit"] });
  await new Promise((resolve) => child.stdout.once("data", resolve));
  await assert.rejects(checkpointStore(output).open(), new RegExp(`process ${child.pid}`));
  const exited = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await exited;
  await writeFile(join(folder, ".birds.safetensors.checkpoint.0a1b2c3d.tmp"), "half");
  const store = checkpointStore(output);
  await store.open();
  assert.deepEqual(await readdir(folder), ["birds.safetensors.lock"]);
  await store.close();
});

test("a lock of a later process with the same number does not block", async () => {
  const stale = { pid: process.pid, host: hostname(), started: "1", token: "gone" };
  await writeFile(checkpointPaths(output).lock, JSON.stringify(stale));
  const store = checkpointStore(output);
  if (process.platform === "linux") await store.open();
  await store.close();
});

test("a lock from another machine is respected, with what to do about it", async () => {
  const { lock } = checkpointPaths(output);
  await writeFile(lock, JSON.stringify({ pid: 1, host: "elsewhere", started: "", token: "theirs" }));
  await assert.rejects(checkpointStore(output).open(), /process 1 on "elsewhere": choose another output, or delete ".*\.lock"/);
  assert.match(await readFile(lock, "utf8"), /theirs/);
});

test("a trainer whose lock was taken away does not write", async () => {
  const store = checkpointStore(output);
  await store.open();
  await rm(checkpointPaths(output).lock);
  await assert.rejects(store.write(Buffer.from("one")), LockedError);
  await store.close();
  assert.deepEqual(await contents(), []);
});
