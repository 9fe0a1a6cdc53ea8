import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Dataset } from "../../src/data/dataset.ts";
import type { Image } from "../../src/data/image.ts";
import { type SampleOptions, writeSample } from "./samples.ts";

/** Fashion-MNIST's labels as folder names that try a file system: other scripts, accents, spaces, signs. */
export const folderLabels: readonly string[] = [
  "T-shirt · top",
  "pantalón",
  "Pullover",
  "Kleid (grün)",
  "пальто",
  "サンダル",
  "shirt",
  "Sneaker №1",
  "καλάθι",
  "bottine été",
];

/** One way of storing a grey picture. */
interface Variant extends SampleOptions {
  /** Side of the stored picture, a multiple of 28; 28 keeps the pixels exactly, others repeat them. */
  readonly side: number;
  /** Black columns added on each side, which the crop rule takes away again. */
  readonly margin: number;
  readonly colour: "grey" | "rgb" | "alpha";
}

const variants: readonly Variant[] = [
  { format: "png", side: 28, margin: 0, colour: "grey" },
  { format: "jpeg", side: 56, margin: 0, colour: "rgb" },
  { format: "webp", side: 84, margin: 10, colour: "rgb" },
  { format: "png", side: 28, margin: 9, colour: "alpha" },
  { format: "jpeg", side: 84, margin: 6, colour: "rgb", orientation: 6 },
  { format: "webp", side: 56, margin: 0, colour: "alpha" },
  { format: "jpeg", side: 84, margin: 0, colour: "rgb", orientation: 3 },
  { format: "jpeg", side: 56, margin: 20, colour: "rgb", orientation: 8 },
];

/** Repeats each of 28 × 28 pixels. */
function enlarge(data: Uint8Array, factor: number): Image {
  const side = 28 * factor;
  const at = (i: number): number => Math.floor(Math.floor(i / side) / factor) * 28 + Math.floor((i % side) / factor);
  return { width: side, height: side, channels: 1, data: Uint8Array.from({ length: side * side }, (_, i) => data[at(i)]) };
}

function addMargin({ width, height, data }: Image, margin: number): Image {
  const wide = width + 2 * margin;
  const out = new Uint8Array(wide * height);
  for (let y = 0; y < height; y++) out.set(data.subarray(y * width, (y + 1) * width), y * wide + margin);
  return { width: wide, height, channels: 1, data: out };
}

/** The stored pixels that an orientation turns into the picture given. */
function turnBack(image: Image, orientation: number): Image {
  if (orientation === 3) return { ...image, data: Uint8Array.from(image.data).reverse() };
  const { width, height, data } = image;
  const out = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const to = orientation === 6 ? (width - 1 - x) * height + y : x * height + (height - 1 - y);
      out[to] = data[y * width + x];
    }
  }
  return { width: height, height: width, channels: 1, data: out };
}

/** As RGB, or as black that lets white through: both look like the grey picture. */
function recolour({ width, height, data }: Image, colour: Variant["colour"]): Image {
  if (colour === "grey") return { width, height, channels: 1, data };
  if (colour === "rgb")
    return { width, height, channels: 3, data: Uint8Array.from({ length: data.length * 3 }, (_, i) => data[(i / 3) | 0]) };
  return {
    width,
    height,
    channels: 4,
    data: Uint8Array.from({ length: data.length * 4 }, (_, i) => (i % 4 === 3 ? 255 - data[i >> 2] : 0)),
  };
}

/**
 * Writes images of a grey data set of 28 × 28 pixels as a folder of JPEG, PNG and WebP files of mixed sizes, some turned, some
 * transparent, nested in sub-folders; the file names sort in the order of the indices.
 */
export async function writeSampleFolder(root: string, dataset: Dataset, indices: ArrayLike<number>): Promise<void> {
  for (let place = 0; place < indices.length; place++) {
    const index = indices[place];
    const variant = variants[place % variants.length];
    const data = await dataset.pixels(index, { size: 28, channels: 1, fit: "crop" });
    const upright = addMargin(enlarge(data, variant.side / 28), variant.margin);
    const stored = variant.orientation ? turnBack(upright, variant.orientation) : upright;
    const bytes = await writeSample(recolour(stored, variant.colour), variant);
    const folder = join(root, folderLabels[dataset.labelOf(index)], place % 3 === 0 ? "more/inside" : "");
    await mkdir(folder, { recursive: true });
    const ending = { jpeg: place % 2 ? "jpg" : "JPEG", png: "png", webp: "webp" }[variant.format];
    await writeFile(join(folder, `${String(place).padStart(6, "0")}.${ending}`), bytes);
  }
}
