import { randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { FileError } from "../core/errors.ts";
import { atomicWrite, errorCode, fileError, syncFolder } from "./atomicWrite.node.ts";

/** Names in a folder; undefined where there is none. */
async function namesIn(path: string): Promise<readonly string[] | undefined> {
  try {
    return await readdir(path);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    if (errorCode(error) === "ENOTDIR")
      throw new FileError(`${path}: a file; a folder is to be written there, choose another name`, { cause: error });
    throw fileError("read", path, error);
  }
}

/**
 * Writes a folder of files: built beside its place, then renamed, so that whoever looks sees no half of it. A folder that is there is replaced
 * only where it is empty or where `isOwn` finds in it nothing but what was written there before.
 */
export async function writeFolder(
  path: string,
  files: Readonly<Record<string, Uint8Array | string>>,
  isOwn: (names: readonly string[]) => Promise<boolean>,
): Promise<void> {
  const target = resolve(path);
  const held = await namesIn(target);
  if (held && held.length > 0 && !(await isOwn(held))) {
    throw new FileError(`${path}: a folder with other contents is there; nothing is overwritten, choose another one with --out`);
  }
  const beside = (what: string): string => join(dirname(target), `.${basename(target)}.${randomUUID().slice(0, 8)}.${what}`);
  const [built, replaced] = [beside("tmp"), beside("old")];
  try {
    await mkdir(built);
    for (const [name, contents] of Object.entries(files)) await atomicWrite(join(built, name), contents);
    await syncFolder(built);
    if (held) await rename(target, replaced);
    await rename(built, target).catch(async (error) => {
      if (held) await rename(replaced, target);
      throw error;
    });
    await syncFolder(dirname(target));
  } catch (error) {
    await rm(built, { recursive: true, force: true });
    throw fileError("write", path, error);
  }
  await rm(replaced, { recursive: true, force: true });
}
