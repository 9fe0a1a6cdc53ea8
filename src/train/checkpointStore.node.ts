import { readFile, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { FileError, InternalError } from "../core/errors.ts";
import {
  errorCode,
  type FileSystem,
  fileError,
  fileSystem,
  removeTemporaries,
  syncFolder,
  writeBeside,
} from "../formats/atomicWrite.node.ts";
import type { CheckpointStore, StoredCheckpoint } from "./checkpointStore.ts";
import { type Lock, takeLock } from "./lock.node.ts";

/** The files that a training keeps beside its output until it is finished. */
export function checkpointPaths(output: string): { readonly newest: string; readonly previous: string; readonly lock: string } {
  return { newest: `${output}.checkpoint`, previous: `${output}.checkpoint.previous`, lock: `${output}.lock` };
}

async function doesExist(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    if (errorCode(error) === "ENOENT") return false;
    throw fileError("read", path, error);
  }
}

/** A rename would replace what stands there, so only a file may. */
async function refuseOther(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (!found || found.isFile()) return;
  throw new FileError(`cannot write "${path}": that is a ${found.isDirectory() ? "folder" : "device"}; give the name of a file`);
}

/**
 * Keeps checkpoints beside the model file `output`: `output.checkpoint` and the one before it. A new one is written beside and synced,
 * then the newest becomes the previous by rename and the new one the newest; a crash between the two leaves the previous one.
 */
export function checkpointStore(output: string, files: FileSystem = fileSystem): CheckpointStore {
  const { newest, previous, lock: lockPath } = checkpointPaths(output);
  let lock: Lock | undefined;
  return {
    name: newest,
    async open() {
      await refuseOther(output);
      lock = await takeLock(lockPath, output);
      try {
        await removeTemporaries(newest);
        const probe = await writeBeside(newest, new Uint8Array(1), files);
        await files.rm(probe);
      } catch (error) {
        await lock.release();
        lock = undefined;
        throw fileError("write", newest, error);
      }
    },
    async list() {
      const held: StoredCheckpoint[] = [];
      for (const path of [newest, previous]) {
        const bytes = (): Promise<Uint8Array> => readFile(path).catch((error: unknown) => Promise.reject(fileError("read", path, error)));
        const setAside = (): Promise<void> => files.rename(path, `${path}.damaged`);
        if (await doesExist(path)) held.push({ name: path, bytes, setAside });
      }
      return held;
    },
    async write(bytes) {
      if (!lock) throw new InternalError("a checkpoint store is written before it is opened");
      await lock.confirm();
      const temporary = await writeBeside(newest, bytes, files);
      try {
        if (await doesExist(newest)) await files.rename(newest, previous);
        await files.rename(temporary, newest);
        await syncFolder(dirname(newest), files);
      } catch (error) {
        await files.rm(temporary, { force: true }).catch(() => undefined);
        throw fileError("write", newest, error);
      }
    },
    async clear() {
      for (const path of [newest, previous]) for (const held of [path, `${path}.damaged`]) await rm(held, { force: true });
    },
    async close() {
      await lock?.release();
      lock = undefined;
    },
  };
}
