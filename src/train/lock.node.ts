import { randomUUID } from "node:crypto";
import { constants, copyFile, link, readFile, rename, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { errorCode, fileError, writeBeside } from "../formats/atomicWrite.node.ts";
import { LockedError } from "./errors.ts";

/**
 * A lock is a file that names its holder. It appears complete and at once (written beside, then linked), so no reader sees half of
 * it. A lock whose process has died is moved aside by rename and looked at again: of two that take over at the same moment, the one
 * that moved a living lock puts it back. What remains of the race is caught by `confirm`, which holders call before they write.
 */
export interface Lock {
  /** Throws LockedError where the file no longer names this holder. */
  confirm(): Promise<void>;
  release(): Promise<void>;
}

/** Who holds a lock. `started` tells a process from a later one with the same number (empty where the system does not say). */
interface Holder {
  readonly pid: number;
  readonly host: string;
  readonly started: string;
  readonly token: string;
}

/** Start time of a process in clock ticks since boot: field 22 of Linux's /proc/<pid>/stat; the name before may hold spaces. */
async function startOf(pid: number): Promise<string> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === "EPERM";
  }
}

async function isAlive(holder: Holder): Promise<boolean> {
  if (holder.host !== hostname()) return true;
  if (!isRunning(holder.pid)) return false;
  const started = await startOf(holder.pid);
  return holder.started === "" || started === "" || started === holder.started;
}

/** The holder that a lock file names; undefined where there is none or it is not a lock of ours. */
async function holderOf(path: string): Promise<Holder | undefined> {
  try {
    const { pid, host, started, token } = JSON.parse(await readFile(path, "utf8")) as Partial<Holder>;
    if (typeof pid !== "number" || typeof host !== "string" || typeof token !== "string") return undefined;
    return { pid, host, started: String(started ?? ""), token };
  } catch (error) {
    if (errorCode(error) === "ENOENT" || error instanceof SyntaxError) return undefined;
    throw fileError("read", path, error);
  }
}

function locked(output: string, path: string, holder: Holder): LockedError {
  const elsewhere = holder.host === hostname() ? "" : ` on "${holder.host}"`;
  const remedy =
    elsewhere === ""
      ? "wait for it, stop it, or choose another output"
      : `choose another output, or delete "${path}" if that process has ended`;
  return new LockedError(`"${output}" is being written by another training, process ${holder.pid}${elsewhere}: ${remedy}`);
}

/** Links `own` to `path`, or copies it where the file system has no links; false where a lock exists already. */
async function claim(own: string, path: string): Promise<boolean> {
  try {
    await link(own, path).catch((error: unknown) => {
      if (errorCode(error) === "EEXIST") throw error;
      return copyFile(own, path, constants.COPYFILE_EXCL);
    });
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw fileError("lock", path, error);
  }
}

/** Moves a dead holder's lock out of the way; puts back what turns out to be another's. */
async function moveAside(path: string, dead: Holder | undefined, token: string): Promise<void> {
  const aside = `${path}.${token.slice(0, 8)}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return;
    throw fileError("lock", path, error);
  }
  const moved = await holderOf(aside);
  if (moved && moved.token !== dead?.token) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}

/** Locks `output` for this process through the file `path`; throws LockedError while a living process holds it. */
export async function takeLock(path: string, output: string): Promise<Lock> {
  const me: Holder = { pid: process.pid, host: hostname(), started: await startOf(process.pid), token: randomUUID() };
  const own = await writeBeside(path, JSON.stringify(me));
  try {
    while (!(await claim(own, path))) {
      const holder = await holderOf(path);
      if (holder && (await isAlive(holder))) throw locked(output, path, holder);
      await moveAside(path, holder, me.token);
    }
  } finally {
    await rm(own, { force: true });
  }
  const confirm = async (): Promise<void> => {
    const holder = await holderOf(path);
    if (holder?.token === me.token) return;
    if (holder) throw locked(output, path, holder);
    throw new LockedError(`the lock "${path}" of this training was removed: another one may be writing "${output}"`);
  };
  const release = async (): Promise<void> => {
    if ((await holderOf(path))?.token === me.token) await rm(path, { force: true });
  };
  return { confirm, release };
}
