/**
 * Makes the embedded part of Fashion-MNIST (src/data/embedded) from the four published files: the first 600 training and the first 100
 * test images of each class, in file order.
 *
 *   node scripts/make-embedded.ts [folder with the four .gz files]
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { sha256 } from "../src/core/sha256.ts";
import { idxNames, publishedFiles } from "../src/data/fashionMnist.ts";
import { type Idx, parseIdx, serialiseIdx } from "../src/data/idx.ts";

const source = process.argv[2] ?? "/usr/share/datasets/fashion-mnist";
const target = join(import.meta.dirname, "../src/data/embedded");
const CLASSES = 10;

async function readChecked(name: string, rank: 1 | 3): Promise<Idx> {
  const idx = await parseIdx(await readFile(join(source, `${name}.gz`)), name, rank);
  const expected = publishedFiles.find((file) => file.name === name)?.sha256;
  if ((await sha256(serialiseIdx(idx))) !== expected) throw new Error(`${name} in ${source} is not the published file`);
  return idx;
}

/** Positions of the first `perClass` images of each class, ascending. */
function firstOfEachClass(labels: Uint8Array, perClass: number): number[] {
  const counts = new Uint32Array(CLASSES);
  const chosen: number[] = [];
  labels.forEach((label, index) => {
    if (counts[label]++ < perClass) chosen.push(index);
  });
  return chosen;
}

function pick({ shape: [, ...element], data }: Idx, indices: readonly number[]): Idx {
  const bytes = element.reduce((product, extent) => product * extent, 1);
  const picked = new Uint8Array(indices.length * bytes);
  indices.forEach((index, place) => {
    picked.set(data.subarray(index * bytes, (index + 1) * bytes), place * bytes);
  });
  return { shape: [indices.length, ...element], data: picked };
}

async function writePart(images: string, labels: string, perClass: number): Promise<void> {
  const allLabels = await readChecked(labels, 1);
  const indices = firstOfEachClass(allLabels.data, perClass);
  for (const [name, idx] of [[images, await readChecked(images, 3)] as const, [labels, allLabels] as const]) {
    const bytes = gzipSync(serialiseIdx(pick(idx, indices)), { level: 9 });
    await writeFile(join(target, `${name}.gz`), bytes);
    console.log(`${name}.gz: ${indices.length} of ${idx.shape[0]}, ${bytes.length} bytes`);
  }
}

await mkdir(target, { recursive: true });
await writePart(idxNames.trainImages, idxNames.trainLabels, 600);
await writePart(idxNames.testImages, idxNames.testLabels, 100);
