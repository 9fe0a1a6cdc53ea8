import { DataError } from "../core/errors.ts";
import { sha256 } from "../core/sha256.ts";
import { formatShape } from "../core/shape.ts";
import type { Dataset } from "./dataset.ts";
import type { Idx } from "./idx.ts";
import { type PixelRule, pixelKey } from "./image.ts";
import { prepare } from "./resize.ts";

/** Images [count, height, width] and their labels [count]. */
export interface IdxPair {
  readonly images: Idx;
  readonly labels: Idx;
}

/** A data set in IDX files: one pair to train on, one to test. */
export interface IdxSource {
  readonly name: string;
  readonly train: IdxPair;
  readonly test?: IdxPair;
  /** Default: the numbers from 0 to the largest label. */
  readonly labels?: readonly string[];
}

/** Prepared copies kept in memory at most, bytes; beyond it images are resized anew each time. */
const MEMORY_LIMIT = 512 * 1024 * 1024;

function checkPair(name: string, { images, labels }: IdxPair): void {
  if (images.shape[0] === labels.shape[0]) return;
  throw new DataError(`${name}: images ${formatShape(images.shape)} and labels ${formatShape(labels.shape)} differ in number`);
}

function labelNames({ name, train, test, labels }: IdxSource): readonly string[] {
  let largest = 0;
  for (const pair of [train, test]) for (const label of pair?.labels.data ?? []) largest = Math.max(largest, label);
  if (labels && largest >= labels.length) throw new DataError(`${name}: found label ${largest}, needs at most ${labels.length - 1}`);
  return labels ?? Array.from({ length: largest + 1 }, (_, k) => String(k));
}

/** Prepared images of one rule, made when first asked for. */
function openPrepared(count: number, bytes: number, make: (index: number) => Uint8Array): (index: number) => Uint8Array {
  if (count * bytes > MEMORY_LIMIT) return make;
  const kept = new Uint8Array(count * bytes);
  const isMade = new Uint8Array(count);
  return (index) => {
    const place = kept.subarray(index * bytes, (index + 1) * bytes);
    if (!isMade[index]) {
      place.set(make(index));
      isMade[index] = 1;
    }
    return place;
  };
}

/** Prepared images by rule; images as they are stored need no preparation. */
function openRules(side: { width: number; height: number }, count: number, raw: (index: number) => Uint8Array): Dataset["pixels"] {
  const { width, height } = side;
  const byRule = new Map<string, (index: number) => Uint8Array>();
  const open = (rule: PixelRule): ((index: number) => Uint8Array) => {
    if (width === height && rule.size === width && rule.channels === 1) return raw;
    const make = (index: number): Uint8Array => prepare({ width, height, channels: 1, data: raw(index) }, rule);
    return openPrepared(count, rule.size * rule.size * rule.channels, make);
  };
  return (index, rule) => {
    const key = pixelKey(rule);
    const read = byRule.get(key) ?? open(rule);
    byRule.set(key, read);
    return read(index);
  };
}

async function fingerprint(labels: readonly string[], pairs: readonly IdxPair[]): Promise<string> {
  const contents = pairs.flatMap((pair) => [pair.images, pair.labels]);
  const hashes = await Promise.all(contents.map(({ data }) => sha256(data)));
  return sha256(new TextEncoder().encode(JSON.stringify([labels, contents.map(({ shape }) => shape), hashes])));
}

function range(start: number, end: number): Uint32Array {
  return Uint32Array.from({ length: end - start }, (_, i) => start + i);
}

/** A data set over IDX contents in memory; test images follow the training images in its numbering. */
export function idxDataset(source: IdxSource): Dataset {
  const { name, train, test } = source;
  const pairs = test ? [train, test] : [train];
  for (const pair of pairs) checkPair(name, pair);
  const labels = labelNames(source);
  const trainCount = train.labels.shape[0];
  const count = pairs.reduce((sum, pair) => sum + pair.labels.shape[0], 0);
  const [, height, width] = train.images.shape;
  if (test && (test.images.shape[1] !== height || test.images.shape[2] !== width)) {
    throw new DataError(
      `${name}: test images ${formatShape(test.images.shape)} need the size of the training images, ${width} × ${height}`,
    );
  }
  const place = (index: number): [IdxPair, number] => (index < trainCount ? [train, index] : [test ?? train, index - trainCount]);
  const raw = (index: number): Uint8Array => {
    const [pair, at] = place(index);
    return pair.images.data.subarray(at * width * height, (at + 1) * width * height);
  };
  return {
    name,
    labels,
    count,
    channels: 1,
    nativeSize: width === height ? width : undefined,
    fixedParts: { train: range(0, trainCount), test: test && range(trainCount, count) },
    problems: [],
    warnings: [],
    labelOf(index) {
      const [pair, at] = place(index);
      return pair.labels.data[at];
    },
    nameOf: (index) => (index < trainCount ? `train ${index}` : `test ${index - trainCount}`),
    pixels: openRules({ width, height }, count, raw),
    fingerprint: () => fingerprint(labels, pairs),
    close: async () => undefined,
  };
}
