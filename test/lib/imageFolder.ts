import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { FolderOptions } from "../../src/data/folder/openFolder.node.ts";
import type { Image } from "../../src/data/image.ts";
import { writeSample } from "./samples.ts";

/** A small picture that depends on a number. */
export function picture(seed: number, width = 24, height = 18, channels: 1 | 3 | 4 = 3): Image {
  const data = Uint8Array.from(
    { length: width * height * channels },
    (_, i) => (Math.floor(i / channels / 3) * (seed + 3) + i * seed) & 255,
  );
  return { width, height, channels, data };
}

/** The same as a PNG file. */
export const png = (seed: number): Promise<Uint8Array> => writeSample(picture(seed), { format: "png" });

/** A folder with the files given, and one for caches. */
export async function withFolder(
  files: Record<string, Uint8Array | string>,
  use: (root: string, options: FolderOptions) => Promise<void>,
): Promise<void> {
  const place = await mkdtemp(join(tmpdir(), "goldcrest-folder-"));
  try {
    const root = join(place, "images");
    await mkdir(root);
    for (const [path, contents] of Object.entries(files)) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), contents);
    }
    await use(root, { cacheFolder: join(place, "cache"), threads: 2 });
  } finally {
    await rm(place, { recursive: true });
  }
}

/** Two pictures of each of two labels. */
export const twoLabels = { "cat/a.png": await png(1), "cat/b.png": await png(2), "dog/a.png": await png(3), "dog/b.png": await png(4) };
