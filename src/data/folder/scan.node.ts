import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import { DataError } from "../../core/errors.ts";
import type { Problem } from "../dataset.ts";
import { isImageName } from "../imageFile.node.ts";
import { compareCodePoints, labelOfName, readLabels } from "./labels.ts";

/** The three parts that a folder may be divided into on disk. */
export type PartName = "train" | "validation" | "test";

/** One image file found. */
export interface FoundFile {
  /** Relative to the folder, with "/". */
  readonly path: string;
  readonly label: number;
  readonly part: PartName;
  readonly bytes: number;
  readonly modified: number;
}

/** What a folder holds. */
export interface Scan {
  readonly labels: readonly string[];
  /** In code-point order of their paths, labels first. */
  readonly files: readonly FoundFile[];
  /** True where the folder has train/ beside test/ or val/. */
  readonly hasParts: boolean;
  readonly problems: readonly Problem[];
  /** Images outside the labels' folders. */
  readonly loose: number;
  /** Files left out for their ending, counted by ending. */
  readonly ignored: ReadonlyMap<string, number>;
}

const partNames: Readonly<Record<string, PartName>> = {
  train: "train",
  val: "validation",
  valid: "validation",
  validation: "validation",
  test: "test",
};
/** Deepest nesting followed. */
const MOST_DEPTH = 64;

function isHidden(name: string): boolean {
  return name.startsWith(".") || name === "__MACOSX";
}

interface Walk {
  readonly files: { path: string; bytes: number; modified: number }[];
  readonly problems: Problem[];
  readonly ignored: Map<string, number>;
}

async function listFolder(root: string, path: string): Promise<Dirent[]> {
  const entries = await readdir(join(root, path), { withFileTypes: true });
  return entries.filter(({ name }) => !isHidden(name)).sort((a, b) => compareCodePoints(a.name, b.name));
}

/** Walks one folder; links are followed, but no folder is entered twice, so that loops end. */
async function walk(root: string, path: string, found: Walk, seen: Set<string>, depth = 0): Promise<void> {
  const { dev, ino } = await stat(join(root, path), { bigint: true });
  if (seen.has(`${dev}:${ino}`) || depth > MOST_DEPTH) return;
  seen.add(`${dev}:${ino}`);
  for (const entry of await listFolder(root, path)) {
    const inside = `${path}/${entry.name}`;
    try {
      if (entry.isDirectory()) await walk(root, inside, found, seen, depth + 1);
      else await visit(root, inside, found, seen, depth);
    } catch (cause) {
      found.problems.push({
        name: inside,
        reason: `cannot be read (${(cause as NodeJS.ErrnoException).code ?? (cause as Error).message})`,
      });
    }
  }
}

async function visit(root: string, path: string, found: Walk, seen: Set<string>, depth: number): Promise<void> {
  const ending = extname(path).toLowerCase();
  const isImage = isImageName(path);
  const info = await stat(join(root, path)).catch((cause) => {
    // A broken link to something that is no image is as harmless as the thing itself.
    if (isImage) throw cause;
    return undefined;
  });
  if (info?.isDirectory()) return walk(root, path, found, seen, depth + 1);
  if (!isImage || !info?.isFile()) found.ignored.set(ending, (found.ignored.get(ending) ?? 0) + 1);
  else found.files.push({ path, bytes: info.size, modified: info.mtimeMs });
}

/** Names of the folders inside one; images beside them go to `loose`. */
async function subFolders(root: string, path: string, loose: string[]): Promise<string[]> {
  const names: string[] = [];
  for (const entry of await listFolder(root, path)) {
    const isFolder = entry.isDirectory() || (entry.isSymbolicLink() && (await isFolderAt(join(root, path, entry.name))));
    if (isFolder) names.push(entry.name);
    else if (isImageName(entry.name)) loose.push(entry.name);
  }
  return names;
}

async function isFolderAt(path: string): Promise<boolean> {
  return stat(path).then(
    (info) => info.isDirectory(),
    () => false,
  );
}

async function checkFolder(root: string): Promise<void> {
  const info = await stat(root).catch((cause: NodeJS.ErrnoException) => {
    const why = cause.code === "ENOENT" ? "there is no such folder" : `cannot be read (${cause.code})`;
    throw new DataError(`${root}: ${why}; needs a folder with one sub-folder for each label`, { cause });
  });
  if (!info.isDirectory()) throw new DataError(`${root}: found a file, needs a folder with one sub-folder for each label`);
}

/** train/ beside test/ or val/ and nothing else means that the folder is divided already. */
function readParts(names: readonly string[]): Map<PartName, string> | undefined {
  const parts = new Map<PartName, string>();
  for (const name of names) {
    const part = partNames[name.toLowerCase()];
    if (!part || parts.has(part)) return undefined;
    parts.set(part, name);
  }
  return parts.has("train") && parts.size > 1 ? parts : undefined;
}

/** Finds every image below a folder with one sub-folder for each label, or with such folders in train/ and test/ or val/. */
export async function scanFolder(root: string): Promise<Scan> {
  await checkFolder(root);
  const found: Walk = { files: [], problems: [], ignored: new Map() };
  const loose: string[] = [];
  const names = await subFolders(root, "", loose);
  const parts = readParts(names);
  const places: { part: PartName; name: string; path: string }[] = [];
  for (const [part, folder] of parts ?? [["train", ""] as const]) {
    const inside = parts ? await subFolders(root, folder, loose) : names;
    for (const name of inside) places.push({ part, name, path: parts ? `${folder}/${name}` : name });
  }
  const labels = readLabels(root, [...new Set(places.map(({ name }) => name))]);
  places.sort((a, b) => compareCodePoints(labelOfName(a.name), labelOfName(b.name)));
  const files: FoundFile[] = [];
  for (const { part, name, path } of places) {
    const here: Walk = { ...found, files: [] };
    await walk(root, path, here, new Set()).catch((cause: NodeJS.ErrnoException) => {
      found.problems.push({ name: path, reason: `cannot be read (${cause.code})` });
    });
    const label = labels.indexOf(labelOfName(name));
    for (const file of here.files) files.push({ ...file, part, label });
  }
  return { labels, files, hasParts: parts !== undefined, problems: found.problems, loose: loose.length, ignored: found.ignored };
}
