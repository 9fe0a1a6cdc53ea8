import { createHash } from "node:crypto";
import { DataError } from "../../core/errors.ts";
import { openNodeCodecs } from "../decode/codecs.node.ts";
import { decodeImage } from "../decode/decode.ts";
import { readHeader } from "../decode/header.ts";
import type { Image, PixelRule } from "../image.ts";
import { readImageBytes } from "../imageFile.node.ts";
import { prepare } from "../resize.ts";
import { readEntry, writeEntry } from "./pixelCache.node.ts";

/** Reads a file, checks it (by its structure, or by decoding it where `rules` are given or `isDecoded`), keeps prepared pixels. */
export interface CheckJob {
  readonly kind: "check";
  readonly file: string;
  readonly name: string;
  readonly maxPixels: number;
  readonly isDecoded: boolean;
  readonly rules: readonly PixelRule[];
  readonly cacheFolder?: string;
}

/** Prepared pixels of a file whose contents had that hash. */
export interface PixelsJob {
  readonly kind: "pixels";
  readonly file: string;
  readonly name: string;
  readonly maxPixels: number;
  readonly hash: string;
  readonly rule: PixelRule;
  readonly cacheFolder?: string;
}

/** What a worker thread does. */
export type Job = CheckJob | PixelsJob;

/** What a check found. */
export interface CheckResult {
  readonly hash: string;
  /** Known only where the file was decoded. */
  readonly isGrey?: boolean;
}

const codecs = openNodeCodecs();

async function readImage(file: string, name: string): Promise<{ bytes: Uint8Array; hash: string }> {
  const bytes = await readImageBytes(file, name);
  return { bytes, hash: createHash("sha256").update(bytes).digest("hex") };
}

/** Largest difference between the channels of a grey picture: lossy formats tint it by a level or two. */
const TINT = 4;

function isGreyImage({ data }: Image): boolean {
  for (let i = 0; i < data.length; i += 3) {
    const green = data[i + 1];
    if (Math.abs(data[i] - green) > TINT || Math.abs(data[i + 2] - green) > TINT) return false;
  }
  return true;
}

async function check({ file, name, maxPixels, isDecoded, rules, cacheFolder }: CheckJob): Promise<CheckResult> {
  const { bytes, hash } = await readImage(file, name);
  if (!isDecoded) {
    readHeader(bytes, name, maxPixels);
    return { hash };
  }
  const image = await decodeImage(bytes, name, codecs, { maxPixels });
  if (cacheFolder) for (const rule of rules) await writeEntry(cacheFolder, hash, rule, prepare(image, rule));
  return { hash, isGrey: isGreyImage(image) };
}

async function pixels({ file, name, maxPixels, hash, rule, cacheFolder }: PixelsJob): Promise<Uint8Array> {
  const kept = cacheFolder ? await readEntry(cacheFolder, hash, rule) : undefined;
  if (kept) return kept;
  const found = await readImage(file, name);
  if (found.hash !== hash) throw new DataError(`${name}: it has changed since the folder was opened`);
  const made = prepare(await decodeImage(found.bytes, name, codecs, { maxPixels }), rule);
  if (cacheFolder) await writeEntry(cacheFolder, hash, rule, made);
  return made;
}

/** Carries out one job, in whatever thread this is. */
export async function carryOut(job: Job): Promise<CheckResult | Uint8Array> {
  return job.kind === "check" ? check(job) : pixels(job);
}
