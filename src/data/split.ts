import { DataError, OptionError } from "../core/errors.ts";
import { permutation, random } from "../core/random.ts";
import { countByLabel, type Dataset } from "./dataset.ts";

/** Which images train, which choose (epoch, recipe, network), and which are read once at the end. In ascending order. */
export interface Parts {
  readonly train: Uint32Array;
  readonly validation: Uint32Array;
  /** Empty where none was asked for and the data set has none. */
  readonly test: Uint32Array;
}

/** Shares of the images of each class; parts that the data set fixes itself are left as they are. */
export interface SplitOptions {
  /** Share of the training images used for validation. Default 0.1. */
  readonly validation?: number;
  /** Share of all images kept for the test; default 0. */
  readonly test?: number;
  readonly seed?: number;
}

function checkShare(name: string, share: number): void {
  if (!(share >= 0 && share < 1)) throw new OptionError(`${name}: found ${share}, needs a share from 0 to below 1`);
}

/**
 * Takes `share` of each class away from `from`, chosen by (seed, purpose, class). A class of two or more gives at least one and keeps
 * at least one.
 */
function takeShare(
  dataset: Dataset,
  from: Uint32Array,
  share: number,
  seed: number,
  purpose: string,
): { taken: Uint32Array; kept: Uint32Array } {
  const members: number[][] = dataset.labels.map(() => []);
  for (const index of from) members[dataset.labelOf(index)].push(index);
  const isTaken = new Set<number>();
  if (share > 0) {
    members.forEach((indices, label) => {
      const wanted = Math.max(1, Math.round(indices.length * share));
      const order = permutation(random(seed, purpose, label), indices.length);
      for (const place of order.subarray(0, Math.min(wanted, indices.length - 1))) isTaken.add(indices[place]);
    });
  }
  return { taken: from.filter((index) => isTaken.has(index)), kept: from.filter((index) => !isTaken.has(index)) };
}

/** Divides a data set into parts: the same for the same images, options and seed, with every class in every part that has room. */
export function splitDataset(dataset: Dataset, options: SplitOptions = {}): Parts {
  const { validation = 0.1, test = 0, seed = 0 } = options;
  checkShare("validation", validation);
  checkShare("test", test);
  const fixed = dataset.fixedParts;
  const all = fixed?.train ?? Uint32Array.from({ length: dataset.count }, (_, index) => index);
  const first = fixed?.test ? { taken: fixed.test, kept: all } : takeShare(dataset, all, test, seed, "test part");
  const second = fixed?.validation
    ? { taken: fixed.validation, kept: first.kept }
    : takeShare(dataset, first.kept, validation, seed, "validation part");
  const missing = countByLabel(dataset, second.kept).indexOf(0);
  if (missing >= 0) {
    throw new DataError(`${dataset.name}: label "${dataset.labels[missing]}" has no training image; every label needs at least 1`);
  }
  return { train: second.kept, validation: second.taken, test: first.taken };
}

/** Warnings about images that are in two parts at once (the same file contents), which makes the later part's figures too good. */
export function duplicateWarnings(dataset: Dataset, { train, validation, test }: Parts): string[] {
  const { hashOf } = dataset;
  if (!hashOf) return [];
  const warnings: string[] = [];
  const compare = (first: Uint32Array, second: Uint32Array, names: string): void => {
    const byHash = new Map<string, number>();
    for (const index of first) byHash.set(hashOf(index), index);
    const pairs: string[] = [];
    for (const index of second) {
      const other = byHash.get(hashOf(index));
      if (other !== undefined) pairs.push(`${dataset.nameOf(other)} = ${dataset.nameOf(index)}`);
    }
    if (pairs.length > 0) warnings.push(`images that are both in ${names}: ${pairs.length} (${pairs.slice(0, 3).join("; ")})`);
  };
  compare(train, validation, "training and validation");
  compare(train, test, "training and test");
  compare(validation, test, "validation and test");
  return warnings;
}
