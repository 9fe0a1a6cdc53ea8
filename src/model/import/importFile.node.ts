import { open, readFile, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { sha256 } from "../../core/sha256.ts";
import { readFileBytes } from "../../data/imageFile.node.ts";
import { imagenetLabels } from "../../data/labels/labels.node.ts";
import { isWeights, readWeightFile } from "../../formats/weights/weightFile.ts";
import { type ImportedWeights, type ImportOptions, makeModel, recogniseWeights } from "./importWeights.ts";
import { readTimmConfig, type TimmConfig } from "./timmConfig.ts";

/** What a file of weights gave. */
export interface ImportedFile extends ImportedWeights {
  /** The kind of file. */
  readonly format: string;
  readonly bytes: number;
}

/** Bytes that tell what a file is. */
const HEAD = 512;
const MOST_CONFIG_BYTES = 1 << 20;
/** Classes of ImageNet. */
const IMAGENET = 1000;

/** The record that timm's weights have beside them when they come from a hub. */
async function configBeside(path: string): Promise<TimmConfig | undefined> {
  const place = join(dirname(path), "config.json");
  const found = await stat(place).catch(() => undefined);
  if (!found?.isFile() || found.size > MOST_CONFIG_BYTES) return undefined;
  return readTimmConfig(await readFile(place, "utf8"), place);
}

/** Reads a file of weights by another program and makes a model of it; a model of 1000 classes has ImageNet's names unless others are given. */
export async function importWeightFile(path: string, options: ImportOptions = {}): Promise<ImportedFile> {
  const bytes = await readFileBytes(path);
  const { format, tensors } = await readWeightFile(bytes, path);
  const config = await configBeside(path);
  const full = resolve(path);
  const hint = [basename(full), basename(dirname(full)), config?.architecture ?? ""].join(" ");
  const recognised = recogniseWeights(tensors, { hint, ...options }, path);
  const isTimms = recognised.candidate.source.from.startsWith("timm");
  const pixels = { ...(isTimms ? config?.pixels : {}), ...options.pixels };
  const isNamed = options.labels !== undefined || (options.classes ?? IMAGENET) !== IMAGENET || recognised.classesInFile !== IMAGENET;
  const labels = isNamed ? options.labels : await imagenetLabels();
  const provenance = { file: basename(full), sha256: await sha256(bytes), ...options.provenance };
  const result = makeModel(recognised, { ...options, ...(labels ? { labels } : {}), pixels, provenance }, path);
  return { ...result, format, bytes: bytes.length };
}

/** True for a file that begins as one of weights. */
export async function isWeightFile(path: string): Promise<boolean> {
  const handle = await open(path, "r").catch(() => undefined);
  if (!handle) return false;
  try {
    const head = new Uint8Array(HEAD);
    const { bytesRead } = await handle.read(head, 0, HEAD, 0).catch(() => ({ bytesRead: 0 }));
    return isWeights(head.subarray(0, bytesRead));
  } finally {
    await handle.close();
  }
}
