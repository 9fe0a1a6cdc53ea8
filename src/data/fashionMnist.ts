import { FileError } from "../core/errors.ts";
import { sha256 } from "../core/sha256.ts";
import type { Dataset } from "./dataset.ts";
import { parseIdx } from "./idx.ts";
import { type IdxPair, idxDataset } from "./idxDataset.ts";

/** Fashion-MNIST's classes, in the order of its labels (arXiv 1708.07747, table 2). */
export const fashionLabels: readonly string[] = [
  "T-shirt/top",
  "Trouser",
  "Pullover",
  "Dress",
  "Coat",
  "Sandal",
  "Shirt",
  "Sneaker",
  "Bag",
  "Ankle boot",
];

/** The four files of the MNIST family, without the ending of their compression. */
export const idxNames = {
  trainImages: "train-images-idx3-ubyte",
  trainLabels: "train-labels-idx1-ubyte",
  testImages: "t10k-images-idx3-ubyte",
  testLabels: "t10k-labels-idx1-ubyte",
} as const;

/**
 * Length and SHA-256 of the four published files after decompression: the copies in circulation (Zalando's, Debian's) are compressed
 * differently but hold the same bytes. Computed from Debian's dataset-fashion-mnist 0.0~git20200523.
 */
export const publishedFiles: readonly { readonly name: string; readonly bytes: number; readonly sha256: string }[] = [
  { name: idxNames.trainImages, bytes: 47040016, sha256: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888" },
  { name: idxNames.trainLabels, bytes: 60008, sha256: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9" },
  { name: idxNames.testImages, bytes: 7840016, sha256: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b" },
  { name: idxNames.testLabels, bytes: 10008, sha256: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34" },
];

/** SHA-256 of the training labels without their header (whole, embedded), by which the classes' names are recognised. */
const fashionLabelHashes: readonly string[] = [
  "657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7",
  "f16e201ddc15b401c509545575d23793b230f5735ae378c1ced3a6156cb72251",
];

/** How the four files are read, by name without ".gz"; whether they are compressed is found out from their contents. */
export type ReadIdx = (name: string) => Promise<Uint8Array>;

async function readPair(read: ReadIdx, images: string, labels: string): Promise<IdxPair> {
  const [imageBytes, labelBytes] = await Promise.all([read(images), read(labels)]);
  return { images: await parseIdx(imageBytes, images, 3), labels: await parseIdx(labelBytes, labels, 1) };
}

/** A data set from four files of the MNIST family; Fashion-MNIST's own (whole or embedded) get their class names, others numbers. */
export async function readMnist(name: string, read: ReadIdx): Promise<Dataset> {
  const train = await readPair(read, idxNames.trainImages, idxNames.trainLabels);
  const test = await readPair(read, idxNames.testImages, idxNames.testLabels);
  const isFashion = fashionLabelHashes.includes(await sha256(train.labels.data));
  return idxDataset({ name, train, test, labels: isFashion ? fashionLabels : undefined });
}

/** The embedded part of Fashion-MNIST, in a browser: the files lie beside this module unless a folder's URL is given. */
export async function fetchEmbedded(folder: URL = new URL("./embedded/", import.meta.url)): Promise<Dataset> {
  return readMnist("fashion-mnist (embedded)", async (name) => {
    const response = await fetch(new URL(`${name}.gz`, folder));
    if (!response.ok)
      throw new FileError(`${response.url}: found HTTP ${response.status}, needs the file of the package's embedded folder`);
    return new Uint8Array(await response.arrayBuffer());
  });
}
