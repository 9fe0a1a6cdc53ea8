import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { FileError } from "../core/errors.ts";
import { defaultCacheFolder } from "./cacheFolder.node.ts";
import type { Dataset } from "./dataset.ts";
import { idxNames, type ReadIdx, readMnist } from "./fashionMnist.ts";

/** Where to look for Fashion-MNIST. */
export interface FashionMnistOptions {
  /** A folder with the four IDX files (compressed or not); nothing else is tried then. */
  readonly folder?: string;
  /** `embedded` = the part in the package (6,000 + 1,000 images); `full` refuses it; `auto` (default) takes the whole set where it is found. */
  readonly part?: "auto" | "embedded" | "full";
  readonly cacheFolder?: string;
  /** Where Debian's package dataset-fashion-mnist puts the files. */
  readonly systemFolder?: string;
}

const EMBEDDED = fileURLToPath(new URL("./embedded", import.meta.url));

/** The folder, inside a cache folder, that `downloadFashionMnist` fills. */
export function downloadFolder(cacheFolder: string = defaultCacheFolder()): string {
  return join(cacheFolder, "fashion-mnist");
}

/** The file of that name in a folder, in one of its usual spellings. */
async function findIdx(folder: string, name: string): Promise<string | undefined> {
  const dotted = name.replace("-idx", ".idx");
  for (const spelling of [`${name}.gz`, name, `${dotted}.gz`, dotted]) {
    const path = join(folder, spelling);
    const isThere = await access(path).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  return undefined;
}

/** True where a folder holds all four files. */
export async function isMnistFolder(folder: string): Promise<boolean> {
  const found = await Promise.all(Object.values(idxNames).map((name) => findIdx(folder, name)));
  return found.every((path) => path !== undefined);
}

function readFrom(folder: string): ReadIdx {
  return async (name) => {
    const path = await findIdx(folder, name);
    if (!path) throw new FileError(`${folder}: found no ${name} or ${name}.gz; needs the four files ${Object.values(idxNames).join(", ")}`);
    return readFile(path).catch((cause: Error) => {
      throw new FileError(`${path}: cannot be read (${cause.message})`, { cause });
    });
  };
}

/** A data set from a folder with the four files of the MNIST family. */
export async function openMnistFolder(folder: string, name: string = folder): Promise<Dataset> {
  return readMnist(name, readFrom(folder));
}

/** Opens Fashion-MNIST from the folder given, else what was downloaded, else Debian's package, else (or if asked for) the embedded part. */
export async function openFashionMnist(options: FashionMnistOptions = {}): Promise<Dataset> {
  const { folder, part = "auto", cacheFolder, systemFolder = "/usr/share/datasets/fashion-mnist" } = options;
  if (folder) return openMnistFolder(folder);
  if (part !== "embedded") {
    for (const candidate of [downloadFolder(cacheFolder), systemFolder]) {
      if (await isMnistFolder(candidate)) return openMnistFolder(candidate, "fashion-mnist");
    }
  }
  if (part === "full") {
    throw new FileError(
      `fashion-mnist: found neither ${downloadFolder(cacheFolder)} nor ${systemFolder}, needs the four files\n` +
        `  run "goldcrest data fashion-mnist", install Debian's dataset-fashion-mnist, or point --data at them`,
    );
  }
  return openMnistFolder(EMBEDDED, "fashion-mnist (embedded)");
}
