import { createHash } from "node:crypto";
import { join } from "node:path";
import { DataError } from "../../core/errors.ts";
import { defaultCacheFolder } from "../cacheFolder.node.ts";
import { countByLabel, type Dataset, type FixedParts, type Problem } from "../dataset.ts";
import { MOST_PIXELS } from "../decode/decode.ts";
import { type PixelRule, pixelKey } from "../image.ts";
import { type Check, checkFiles } from "./checks.node.ts";
import { pixelBytes } from "./pixelCache.node.ts";
import { openPool, type Pool } from "./pool.node.ts";
import { type FoundFile, type PartName, type Scan, scanFolder } from "./scan.node.ts";

/** How a folder is opened. */
export interface FolderOptions {
  /** Unreadable images are an error instead of being left out. */
  readonly isStrict?: boolean;
  /** `decode` checks every image by decoding it, `structure` by walking its file; default: decode up to 5,000 images. */
  readonly check?: "decode" | "structure";
  /** What will be asked for; prepared while checking, so that nothing is decoded twice. */
  readonly rules?: readonly PixelRule[];
  /** Where prepared pixels are kept; default: the system's cache folder; false: nowhere. */
  readonly cacheFolder?: string | false;
  /** Disk space for prepared pixels of one rule, bytes. Default 16 GiB. */
  readonly cacheBytes?: number;
  /** Memory for prepared pixels, bytes. Default 512 MiB. */
  readonly memoryBytes?: number;
  readonly maxPixels?: number;
  /** Decoding threads; default: as many as the machine has, at most 8. */
  readonly threads?: number;
  /** Fewest different labels accepted. Default 2; evaluation of a part may do with 1. */
  readonly minLabels?: number;
  readonly onProgress?: (done: number, total: number) => void;
}

const GIB = 2 ** 30;
const CHECKED_BY_DECODING = 5000;

/** One usable image. */
interface Item {
  readonly path: string;
  readonly label: number;
  readonly part: PartName;
  readonly hash: string;
}

function quote(names: readonly string[]): string {
  return names.map((name) => JSON.stringify(name)).join(", ");
}

function listProblems(problems: readonly Problem[]): string {
  const shown = problems.slice(0, 10).map(({ name, reason }) => `\n  ${name}: ${reason}`);
  return shown.join("") + (problems.length > 10 ? `\n  and ${problems.length - 10} more` : "");
}

/** Refuses what cannot be trained on: nothing found, or too few labels with usable images. */
function checkContents(root: string, scan: Scan, usable: readonly string[], problems: readonly Problem[], minLabels: number): void {
  if (usable.length >= minLabels) return;
  const needs = `needs ${minLabels === 1 ? "a sub-folder with images" : `at least ${minLabels} sub-folders with images, one for each label`}`;
  if (scan.labels.length === 0 && scan.loose > 0) throw new DataError(`${root}: found ${scan.loose} images but no sub-folders, ${needs}`);
  if (usable.length === 0) throw new DataError(`${root}: found no usable image (JPEG, PNG, WebP), ${needs}${listProblems(problems)}`);
  throw new DataError(`${root}: found images of only ${usable.length} label (${quote(usable)}), ${needs}${listProblems(problems)}`);
}

function ignoredWarning({ ignored, loose }: Scan): string[] {
  const outside = loose > 0 ? [`images outside the labels' sub-folders, left out: ${loose}`] : [];
  const total = [...ignored.values()].reduce((sum, count) => sum + count, 0);
  if (total === 0) return outside;
  const kinds = [...ignored].sort((a, b) => b[1] - a[1]).map(([ending, count]) => `${count} ${ending || "without an ending"}`);
  return [...outside, `files that are not JPEG, PNG or WebP, left out: ${total} (${kinds.slice(0, 5).join(", ")})`];
}

function balanceWarning(labels: readonly string[], counts: Uint32Array): string[] {
  const [least, most] = [counts.indexOf(Math.min(...counts)), counts.indexOf(Math.max(...counts))];
  if (counts[most] < 4 * counts[least]) return [];
  return [
    `unbalanced: ${counts[most]} images of ${JSON.stringify(labels[most])} but ${counts[least]} of ${JSON.stringify(labels[least])}; class weights can help`,
  ];
}

/** The same picture under two labels teaches a contradiction. */
function conflictWarning(items: readonly Item[]): string[] {
  const first = new Map<string, Item>();
  const conflicts: string[] = [];
  for (const item of items) {
    const other = first.get(item.hash);
    if (!other) first.set(item.hash, item);
    else if (other.label !== item.label) conflicts.push(`${other.path} = ${item.path}`);
  }
  if (conflicts.length === 0) return [];
  return [`images that are also filed under another label: ${conflicts.length} (${conflicts.slice(0, 3).join("; ")})`];
}

/** Keeps the files that can be used, with labels renumbered to those that still have images. */
function select(scan: Scan, checks: readonly Check[]): { labels: string[]; items: Item[]; problems: Problem[]; empty: string[] } {
  const problems = [...scan.problems];
  const usable: (FoundFile & { hash: string })[] = [];
  scan.files.forEach((file, i) => {
    const { hash, problem } = checks[i];
    if (hash) usable.push({ ...file, hash });
    else problems.push({ name: file.path, reason: problem ?? "cannot be used" });
  });
  const isUsed = scan.labels.map((_, label) => usable.some((file) => file.label === label));
  const labels = scan.labels.filter((_, label) => isUsed[label]);
  const renumbered = scan.labels.map((name) => labels.indexOf(name));
  const items = usable.map(({ path, label, part, hash }) => ({ path, label: renumbered[label], part, hash }));
  return { labels, items, problems, empty: scan.labels.filter((_, label) => !isUsed[label]) };
}

function fixedParts(items: readonly Item[]): FixedParts {
  const of = (name: PartName): Uint32Array | undefined => {
    const indices = Uint32Array.from(items.keys()).filter((i) => items[i].part === name);
    return indices.length > 0 ? indices : undefined;
  };
  return { train: of("train") ?? new Uint32Array(0), validation: of("validation"), test: of("test") };
}

/** Opens a folder of labelled images. Files are checked now; their pixels are read when asked for, on worker threads. */
export async function openFolder(root: string, options: FolderOptions = {}): Promise<Dataset> {
  const { isStrict = false, rules = [], threads, minLabels = 2, maxPixels = MOST_PIXELS, onProgress } = options;
  const cacheFolder = options.cacheFolder === false ? undefined : (options.cacheFolder ?? defaultCacheFolder());
  const scan = await scanFolder(root);
  const isDecoded = options.check ? options.check === "decode" : scan.files.length <= CHECKED_BY_DECODING;
  const pool = openPool({ threads });
  try {
    const checks = await checkFiles(scan.files, pool, { root, maxPixels, isDecoded, rules, cacheFolder, onProgress });
    const { labels, items, problems, empty } = select(scan, checks);
    if (isStrict && problems.length > 0) {
      throw new DataError(`${root}: found ${problems.length} images that cannot be used, needs none (strict)${listProblems(problems)}`);
    }
    checkContents(root, scan, labels, problems, minLabels);
    const isGrey = checks.every((check) => check.hash === undefined || check.isGrey === true);
    const dataset = folderDataset({ root, labels, items, problems, isGrey, parts: scan.hasParts ? fixedParts(items) : undefined }, pool, {
      ...options,
      maxPixels,
      cacheFolder,
    });
    const warnings = [
      ...empty.map((name) => `label ${JSON.stringify(name)} has no usable image and was left out`),
      ...ignoredWarning(scan),
      ...balanceWarning(labels, countByLabel(dataset)),
      ...conflictWarning(items),
    ];
    return { ...dataset, warnings };
  } catch (cause) {
    await pool.close();
    throw cause;
  }
}

interface Contents {
  readonly root: string;
  readonly labels: readonly string[];
  readonly items: readonly Item[];
  readonly problems: Problem[];
  readonly isGrey: boolean;
  readonly parts?: FixedParts;
}

/** Pixels of one rule that are in memory; the first ones that come are kept, because an epoch visits each image once. */
function openMemory(limit: number): {
  get(index: number, rule: PixelRule): Uint8Array | undefined;
  keep(index: number, rule: PixelRule, pixels: Uint8Array): void;
} {
  const kept = new Map<string, Uint8Array>();
  let used = 0;
  const key = (index: number, rule: PixelRule): string => `${pixelKey(rule)} ${index}`;
  return {
    get: (index, rule) => kept.get(key(index, rule)),
    keep(index, rule, pixels) {
      if (used + pixels.length > limit || kept.has(key(index, rule))) return;
      used += pixels.length;
      kept.set(key(index, rule), pixels);
    },
  };
}

function folderDataset({ root, labels, items, problems, isGrey, parts }: Contents, pool: Pool, options: FolderOptions): Dataset {
  const { cacheBytes = 16 * GIB, memoryBytes = GIB / 2, maxPixels = MOST_PIXELS } = options;
  const memory = openMemory(memoryBytes);
  const listed = new Set<string>();
  const read = async (index: number, rule: PixelRule): Promise<Uint8Array> => {
    const { path, hash } = items[index];
    const cacheFolder = options.cacheFolder && index * pixelBytes(rule) < cacheBytes ? options.cacheFolder : undefined;
    try {
      const job = { kind: "pixels", file: join(root, path), name: path, maxPixels, hash, rule, cacheFolder } as const;
      const pixels = await pool.run<Uint8Array>(job);
      memory.keep(index, rule, pixels);
      return pixels;
    } catch (cause) {
      // Found out only now: the file was changed or removed, or its structure was sound and its contents were not.
      if (!listed.has(path)) problems.push({ name: path, reason: (cause as Error).message.slice(path.length + 2) });
      listed.add(path);
      throw cause;
    }
  };
  return {
    name: root,
    labels,
    count: items.length,
    channels: isGrey ? 1 : 3,
    fixedParts: parts,
    problems,
    warnings: [],
    labelOf: (index) => items[index].label,
    nameOf: (index) => items[index].path,
    hashOf: (index) => items[index].hash,
    pixels: (index, rule) => memory.get(index, rule) ?? read(index, rule),
    async fingerprint() {
      const hash = createHash("sha256").update(JSON.stringify(labels));
      for (const { path, label, hash: contents } of items) hash.update(`\n${label} ${contents} ${path}`);
      return hash.digest("hex");
    },
    close: () => pool.close(),
  };
}
