import { randomUUID } from "node:crypto";
import { type FileHandle, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { FileError } from "../core/errors.ts";

/** The system calls of a write; tests replace one to make it fail. */
export interface FileSystem {
  readonly open: typeof open;
  readonly rename: typeof rename;
  readonly rm: typeof rm;
}

/** The machine's own. */
export const fileSystem: FileSystem = { open, rename, rm };

const remedies: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full; free some space and run again",
  EDQUOT: "the disk quota is used up; free some space and run again",
  EACCES: "permission is missing; choose another place or change the folder's permissions",
  EPERM: "permission is missing; choose another place or change the folder's permissions",
  EROFS: "the file system is read-only; choose another place",
  ENOENT: "the folder does not exist; create it first",
  ENOTDIR: "part of the path is a file, not a folder; choose another place",
  EISDIR: "that is a folder; give the name of a file",
  EIO: "the disk reported an error; check it, and write to another one",
};

/** The system's error code, such as "ENOSPC", or "" where the error has none. */
export function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

/** A FileError that names the file, what the system said, and a remedy. */
export function fileError(action: string, path: string, error: unknown): FileError {
  if (error instanceof FileError) return error;
  const code = errorCode(error);
  const said = code || (error instanceof Error ? error.message : String(error));
  return new FileError(`cannot ${action} "${path}" (${said})${remedies[code] ? `: ${remedies[code]}` : ""}`, { cause: error });
}

/** Makes a rename durable. Windows cannot open folders; there the rename alone has to do. */
export async function syncFolder(path: string, files: FileSystem = fileSystem): Promise<void> {
  let folder: FileHandle | undefined;
  try {
    folder = await files.open(path, "r");
    await folder.sync();
  } catch (error) {
    if (!["EPERM", "EISDIR", "EINVAL", "EACCES", "ENOTSUP"].includes(errorCode(error))) throw error;
  } finally {
    await folder?.close();
  }
}

/** Writes bytes to a file of its own beside `path` and waits until they are on the disk; returns that file's name. Leaves nothing when it fails. */
export async function writeBeside(path: string, bytes: Uint8Array | string, files: FileSystem = fileSystem): Promise<string> {
  const temporary = join(dirname(path), temporaryName(basename(path)));
  try {
    const handle = await files.open(temporary, "wx");
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    return temporary;
  } catch (error) {
    await files.rm(temporary, { force: true }).catch(() => undefined);
    throw fileError("write", path, error);
  }
}

/** `.birds.safetensors.1f3a9c04.tmp`: hidden, beside its target, and of this write alone. */
function temporaryName(name: string): string {
  return `.${name}.${randomUUID().slice(0, 8)}.tmp`;
}

/** Removes what writes to `path` by processes that were killed left behind. Only for who alone writes there. */
export async function removeTemporaries(path: string): Promise<void> {
  const name = basename(path);
  for (const entry of await readdir(dirname(path))) {
    const isOurs = entry.startsWith(`.${name}.`) && /^[0-9a-f]{8}\.tmp$/.test(entry.slice(name.length + 2));
    if (isOurs) await rm(join(dirname(path), entry), { force: true });
  }
}

/** Replaces a file by new contents: whoever reads it sees the old file or the new one, also after a crash or a full disk. */
export async function atomicWrite(path: string, bytes: Uint8Array | string, files: FileSystem = fileSystem): Promise<void> {
  const temporary = await writeBeside(path, bytes, files);
  try {
    await files.rename(temporary, path);
    await syncFolder(dirname(path), files);
  } catch (error) {
    await files.rm(temporary, { force: true }).catch(() => undefined);
    throw fileError("write", path, error);
  }
}
