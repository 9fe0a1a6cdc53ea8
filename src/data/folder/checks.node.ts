import { createHash, randomBytes } from "node:crypto";
import { mkdir, readFile, realpath, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { PixelRule } from "../image.ts";
import type { CheckResult } from "./jobs.node.ts";
import type { Pool } from "./pool.node.ts";
import type { FoundFile } from "./scan.node.ts";

/** What is known about one file: its hash, or why it cannot be used. */
export interface Check {
  readonly hash?: string;
  readonly isGrey?: boolean;
  readonly problem?: string;
}

/** How files are checked. */
export interface CheckOptions {
  readonly root: string;
  readonly maxPixels: number;
  readonly isDecoded: boolean;
  readonly rules: readonly PixelRule[];
  readonly cacheFolder?: string;
  readonly onProgress?: (done: number, total: number) => void;
}

/** An earlier check, valid while the file's length and time are the same. */
interface Entry extends Check {
  readonly bytes: number;
  readonly modified: number;
  readonly isDecoded: boolean;
}

type Index = Map<string, Entry>;

const VERSION = 1;

async function indexPath(cacheFolder: string, root: string, maxPixels: number): Promise<string> {
  const key = JSON.stringify([VERSION, await realpath(root), maxPixels]);
  return join(cacheFolder, "folders", `${createHash("sha256").update(key).digest("hex")}.json`);
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** The index of an earlier run: a line with the hash of the rest, then JSON. One that is damaged counts as absent. */
async function readIndex(path: string): Promise<Index> {
  const text = await readFile(path, "utf8").catch(() => "");
  const end = text.indexOf("\n");
  const body = text.slice(end + 1);
  return end > 0 && text.slice(0, end) === digest(body) ? new Map(JSON.parse(body) as [string, Entry][]) : new Map();
}

async function writeIndex(path: string, index: Index): Promise<void> {
  const body = JSON.stringify([...index]);
  const part = `${path}.${randomBytes(6).toString("hex")}.part`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(part, `${digest(body)}\n${body}`);
    await rename(part, path);
  } catch {
    // Without an index the next run checks the files again.
    await rm(part, { force: true }).catch(() => undefined);
  }
}

/** Jobs given out at a time for each thread: enough to keep it busy, few enough to bound memory. */
const AHEAD = 8;

/** Calls `work` for 0 … count − 1, several at a time. */
async function eachOf(count: number, atATime: number, work: (i: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: Math.min(atATime, count) }, lane));
}

/** Checks files on the pool's threads, reusing what an earlier run found about those that have not changed. */
export async function checkFiles(files: readonly FoundFile[], pool: Pool, options: CheckOptions): Promise<Check[]> {
  const { root, maxPixels, isDecoded, rules, cacheFolder, onProgress } = options;
  const path = cacheFolder && (await indexPath(cacheFolder, root, maxPixels));
  const known = path ? await readIndex(path) : new Map<string, Entry>();
  const index: Index = new Map();
  const checks: Check[] = Array.from({ length: files.length });
  let done = 0;
  await eachOf(files.length, pool.threads * AHEAD, async (i) => {
    const { path: name, bytes, modified } = files[i];
    const earlier = known.get(name);
    const isValid = earlier && earlier.bytes === bytes && earlier.modified === modified && (earlier.isDecoded || !isDecoded);
    const job = { kind: "check", file: join(root, name), name, maxPixels, isDecoded, rules, cacheFolder } as const;
    checks[i] = isValid
      ? earlier
      : await pool.run<CheckResult>(job).catch((cause: Error) => ({ problem: cause.message.slice(name.length + 2) }));
    index.set(name, { ...checks[i], bytes, modified, isDecoded: isDecoded || (isValid === true && earlier.isDecoded) });
    onProgress?.(++done, files.length);
  });
  if (path) await writeIndex(path, index);
  return checks;
}
