import type { PixelRule } from "./image.ts";

/** Indices that a data set fixes by itself (its own training and test files); absent parts are split off by `splitDataset`. */
export interface FixedParts {
  readonly train: Uint32Array;
  readonly validation?: Uint32Array;
  readonly test?: Uint32Array;
}

/** An image that could not be used, and why; `name` is its path in the folder. */
export interface Problem {
  readonly name: string;
  readonly reason: string;
}

/**
 * Labelled images by index, wherever they are. Pixels come ready-made as bytes of size × size × channels (NHWC), a pure function of
 * the file and the rule; augmentation and normalisation happen later, in the loader.
 */
export interface Dataset {
  /** What the user calls it: a path, or "fashion-mnist (embedded)". */
  readonly name: string;
  /** Class names; label k is labels[k]. */
  readonly labels: readonly string[];
  readonly count: number;
  /** The channels worth training on: 1 where every image is grey. */
  readonly channels: 1 | 3;
  /** Side of the stored images where all are squares of one size. */
  readonly nativeSize?: number;
  readonly fixedParts?: FixedParts;
  /** Images that were left out, or turned out to be unreadable since. */
  readonly problems: readonly Problem[];
  /** Sentences for the user: unbalanced classes, duplicates, ignored files. */
  readonly warnings: readonly string[];
  labelOf(index: number): number;
  /** A name to show for one image: its path, or "train 17". */
  nameOf(index: number): string;
  /** SHA-256 (hex) of the image's file, where it has one of its own. */
  hashOf?(index: number): string;
  /** One image's bytes; owned by the data set, not to be written to. Synchronous where they are in memory; rejects with a DataError naming the image. */
  pixels(index: number, rule: PixelRule): Uint8Array | Promise<Uint8Array>;
  /** Hash (SHA-256, hex) of names, labels and contents, for the model file's provenance. */
  fingerprint(): Promise<string>;
  /** Stops worker threads; nothing can be read afterwards. */
  close(): Promise<void>;
}

/** Images of each class among the indices (all where none are given). */
export function countByLabel(dataset: Dataset, indices?: Uint32Array): Uint32Array {
  const counts = new Uint32Array(dataset.labels.length);
  if (indices) for (const index of indices) counts[dataset.labelOf(index)]++;
  else for (let index = 0; index < dataset.count; index++) counts[dataset.labelOf(index)]++;
  return counts;
}

/** Inverse-frequency weights, scaled so that their mean over the counted images is 1; 0 for a class without images. */
export function classWeights(counts: Uint32Array): Float32Array {
  const present = counts.filter((count) => count > 0).length;
  const total = counts.reduce((sum, count) => sum + count, 0);
  return Float32Array.from(counts, (count) => (count ? total / (present * count) : 0));
}
