import { createWriteStream } from "node:fs";
import { mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { FileError } from "../core/errors.ts";
import { sha256 } from "../core/sha256.ts";
import { downloadFolder } from "./fashionMnist.node.ts";
import { publishedFiles } from "./fashionMnist.ts";
import { parseIdx, serialiseIdx } from "./idx.ts";

/** One step of a download: bytes of one file so far, and of all of it where the server says. */
export interface DownloadProgress {
  readonly name: string;
  readonly received: number;
  readonly total?: number;
}

/** A file to fetch: its length and SHA-256 are those of the contents after decompression. */
export interface ExpectedFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** How Fashion-MNIST is fetched. */
export interface DownloadOptions {
  readonly baseUrl?: string;
  readonly cacheFolder?: string;
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** Give up when the server sends nothing for this long, ms. */
  readonly stall?: number;
  readonly signal?: AbortSignal;
  /** Other files than Fashion-MNIST's own; for tests. */
  readonly files?: readonly ExpectedFile[];
}

const ZALANDO = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/";

async function lengthOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

/** Passes chunks on, reports them, refuses more than `limit` bytes, and aborts when none comes for `stall` ms. */
async function* watch(
  body: AsyncIterable<Uint8Array>,
  url: string,
  start: number,
  limit: number,
  options: Watch,
): AsyncGenerator<Uint8Array> {
  let received = start;
  const timer = setTimeout(() => options.abort(new FileError(`${url}: the server sent nothing for ${options.stall} ms`)), options.stall);
  try {
    for await (const chunk of body) {
      timer.refresh();
      received += chunk.length;
      if (received > limit) throw new FileError(`${url}: found more than ${limit} bytes, needs at most as many as the uncompressed file`);
      options.report(received);
      yield chunk;
    }
  } finally {
    clearTimeout(timer);
  }
}

interface Watch {
  readonly stall: number;
  readonly abort: (reason: Error) => void;
  readonly report: (received: number) => void;
}

/** Fetches one file into `part`, continuing what an earlier attempt left there where the server allows. */
async function fetchPart(url: string, part: string, file: ExpectedFile, options: DownloadOptions): Promise<void> {
  const { stall = 30_000, onProgress } = options;
  const held = await lengthOf(part);
  const controller = new AbortController();
  const signal = options.signal ? AbortSignal.any([controller.signal, options.signal]) : controller.signal;
  const timer = setTimeout(() => controller.abort(new FileError(`${url}: no answer for ${stall} ms`)), stall);
  const response = await fetch(url, { signal, headers: held > 0 ? { Range: `bytes=${held}-` } : {} }).finally(() => clearTimeout(timer));
  if (response.status === 416) {
    await response.body?.cancel();
    await rm(part, { force: true });
    return fetchPart(url, part, file, options);
  }
  if (!response.ok || !response.body) throw new FileError(`${url}: found HTTP ${response.status}, needs 200`);
  const start = response.status === 206 ? held : 0;
  const announced = Number(response.headers.get("content-length"));
  const total = announced > 0 ? start + announced : undefined;
  const chunks = watch(Readable.fromWeb(response.body as never), url, start, file.bytes, {
    stall,
    abort: (reason) => controller.abort(reason),
    report: (received) => onProgress?.({ name: file.name, received, total }),
  });
  await pipeline(chunks, createWriteStream(part, { flags: start > 0 ? "a" : "w" }));
}

/** Checks the contents of a downloaded part; a part with wrong contents is deleted, one that is merely short is kept. */
async function checkPart(url: string, part: string, file: ExpectedFile): Promise<void> {
  const rank = file.name.includes("idx1") ? 1 : 3;
  try {
    const contents = serialiseIdx(await parseIdx(await readFile(part), url, rank, file.bytes));
    const found = await sha256(contents);
    if (found !== file.sha256) throw new FileError(`${url}: found SHA-256 ${found} of the contents, needs ${file.sha256}`);
  } catch (cause) {
    await rm(part, { force: true });
    if (cause instanceof FileError) throw cause;
    throw new FileError((cause as Error).message, { cause });
  }
}

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, "r+");
  await handle.sync().finally(() => handle.close());
}

async function downloadFile(file: ExpectedFile, folder: string, options: DownloadOptions): Promise<void> {
  const target = join(folder, `${file.name}.gz`);
  if ((await lengthOf(target)) > 0) return;
  const part = `${target}.part`;
  const base = options.baseUrl ?? ZALANDO;
  const url = new URL(`${file.name}.gz`, base.endsWith("/") ? base : `${base}/`).href;
  try {
    await fetchPart(url, part, file, options);
    await checkPart(url, part, file);
    await syncFile(part);
    await rename(part, target);
  } catch (cause) {
    if (cause instanceof FileError) throw cause;
    if (options.signal?.aborted) throw cause;
    const reason = cause as Error & { cause?: Error };
    const why = reason.cause?.message ?? reason.message;
    throw new FileError(`${url}: the download broke off (${why})\n  run it again to continue`, { cause });
  }
}

/** Fetches Fashion-MNIST's four files into the cache folder, checks them, and returns the folder. Files already there are left alone. */
export async function downloadFashionMnist(options: DownloadOptions = {}): Promise<string> {
  const folder = downloadFolder(options.cacheFolder);
  await mkdir(folder, { recursive: true }).catch((cause: Error) => {
    throw new FileError(`${folder}: cannot be made (${cause.message})`, { cause });
  });
  for (const file of options.files ?? publishedFiles) await downloadFile(file, folder, options);
  return folder;
}
