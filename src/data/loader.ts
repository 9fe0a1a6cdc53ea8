import { InternalError, OptionError } from "../core/errors.ts";
import { permutation, random } from "../core/random.ts";
import { type Augmentation, openAugmenter, sourceSize } from "./augment.ts";
import type { Dataset } from "./dataset.ts";
import { openDraws } from "./draws.ts";
import type { PixelRule } from "./image.ts";
import { mixUp } from "./mixup.ts";
import { normaliseTable, type PixelTarget, writeNormalised } from "./normalise.ts";
import type { Preprocessing } from "./preprocessing.ts";

/** What a loader serves. */
export interface LoaderOptions {
  readonly preprocessing: Preprocessing;
  /** Images in a batch, as baked into the graph. */
  readonly batch: number;
  readonly seed?: number;
  /** True for training: a new order each epoch and only full batches (images are repeated where there is less than one). */
  readonly isTraining?: boolean;
  readonly augmentation?: Augmentation;
  /** Multiplies target rows, by label; see `classWeights`. */
  readonly classWeights?: Float32Array;
  /** Batches requested ahead of the one being filled. Default 3. */
  readonly prefetch?: number;
}

/** What one filled batch holds. */
export interface FilledBatch {
  /** Images in it; below the batch size only when not training (a short last batch, or unreadable images): the rest is zero. */
  readonly count: number;
  /** Index in the data set of each image; valid until the next fill. */
  readonly indices: Uint32Array;
}

/** Batches by position, so that a resumed run asks for the same (epoch, batch) and gets the same numbers. */
export interface Loader {
  /** Batches in an epoch. */
  readonly batches: number;
  /** Writes one batch into the engine's views ([n, c, h, w] and [n, classes]) and requests the following ones. */
  fill(epoch: number, batch: number, image: PixelTarget, target?: PixelTarget): Promise<FilledBatch>;
}

type Pixels = Uint8Array | Promise<Uint8Array>;

/** The order of the images in an epoch; keeps the last two, because prefetching runs into the next one. */
function openOrder(indices: Uint32Array, seed: number, isTraining: boolean): (epoch: number) => Uint32Array {
  const kept = new Map<number, Uint32Array>();
  return (epoch) => {
    if (!isTraining) return indices;
    const known = kept.get(epoch);
    if (known) return known;
    if (kept.size > 1) kept.delete(kept.keys().next().value ?? 0);
    const order = permutation(random(seed, "order", epoch), indices.length).map((place) => indices[place]);
    kept.set(epoch, order);
    return order;
  };
}

function checkTarget(name: string, target: PixelTarget | undefined, shape: readonly number[]): void {
  if (target && String(target.shape) !== String(shape)) {
    throw new InternalError(`loader: ${name} has shape [${target.shape}], needs [${shape}]`);
  }
}

/** Writes the one-hot row of a label, times its class weight. */
function writeTarget(target: PixelTarget, n: number, label: number, value: number): void {
  const classes = target.shape[1];
  for (let k = 0; k < classes; k++) target.data[n * target.strides[0] + k * target.strides[1]] = k === label ? value : 0;
}

function clearImage({ shape: [, channels, height, width], strides, data }: PixelTarget, n: number): void {
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) data[n * strides[0] + c * strides[1] + y * strides[2] + x * strides[3]] = 0;
    }
  }
}

/** Requests of pixels by position (batch counted from the first epoch's first), some of them before they are wanted. */
interface Requests {
  take(position: number): readonly Pixels[];
  ahead(position: number): void;
}

/** `ask` starts reading one batch; up to `prefetch` batches after the one taken are kept under way, `isWanted` permitting. */
function openRequests(
  ask: (position: number) => Pixels[],
  prefetch: number,
  isWanted: (from: number, position: number) => boolean,
): Requests {
  const waiting = new Map<number, Pixels[]>();
  return {
    take(position) {
      const found = waiting.get(position);
      if (!found) waiting.clear();
      waiting.delete(position);
      return found ?? ask(position);
    },
    ahead(from) {
      for (let position = from + 1; position <= from + prefetch; position++) {
        if (isWanted(from, position) && !waiting.has(position)) waiting.set(position, ask(position));
      }
    },
  };
}

/** The next readable image of the same label, for one that turns out unreadable in the middle of training. */
async function substitute(dataset: Dataset, order: Uint32Array, place: number, rule: PixelRule, cause: unknown): Promise<Sample> {
  const label = dataset.labelOf(order[place]);
  for (let step = 1, tries = 0; step < order.length && tries < 8; step++) {
    const index = order[(place + step) % order.length];
    if (dataset.labelOf(index) !== label) continue;
    tries++;
    try {
      return { index, bytes: await dataset.pixels(index, rule) };
    } catch {
      // The data set has listed this one too.
    }
  }
  throw cause;
}

interface Sample {
  readonly index: number;
  readonly bytes: Uint8Array;
}

/** Starts reading the batch at a position: a promise, or bytes at once, for each of its images. */
function openAsk(dataset: Dataset, rule: PixelRule, sequence: Sequence): (position: number) => Pixels[] {
  const { batch, batches, orderOf, isTraining } = sequence;
  return (position) => {
    const order = orderOf(Math.floor(position / batches));
    const first = (position % batches) * batch;
    const count = isTraining ? batch : Math.min(batch, order.length - first);
    return Array.from({ length: count }, (_, n) => {
      const pixels = dataset.pixels(order[(first + n) % order.length], rule);
      // A failure is dealt with when the batch is filled; until then it must not count as unhandled.
      if (pixels instanceof Promise) pixels.catch(() => undefined);
      return pixels;
    });
  };
}

/** Which images make up which batch. */
interface Sequence {
  readonly batch: number;
  readonly batches: number;
  readonly isTraining: boolean;
  readonly orderOf: (epoch: number) => Uint32Array;
}

function openSequence(dataset: Dataset, indices: Uint32Array, { batch, seed = 0, isTraining = false }: LoaderOptions): Sequence {
  if (!Number.isInteger(batch) || batch < 1) throw new OptionError(`batch: found ${batch}, needs an integer of at least 1`);
  if (indices.length === 0) throw new OptionError(`${dataset.name}: a part without images was given to the loader`);
  const batches = isTraining ? Math.max(1, Math.floor(indices.length / batch)) : Math.ceil(indices.length / batch);
  return { batch, batches, isTraining, orderOf: openOrder(indices, seed, isTraining) };
}

/** Writes one sample into row n: augmented (in training), normalised, and its label. */
type WriteSample = (
  sample: Sample,
  n: number,
  turn: { epoch: number; repetition: number },
  image: PixelTarget,
  target?: PixelTarget,
) => void;

function openWrite(dataset: Dataset, source: number, augmentation: Augmentation | undefined, options: LoaderOptions): WriteSample {
  const { preprocessing, seed = 0, classWeights } = options;
  const { size, channels } = preprocessing;
  const table = normaliseTable(preprocessing);
  const augmenter = augmentation && openAugmenter(augmentation, source, { size, channels }, openDraws(seed, "augment"));
  return ({ index, bytes }, n, { epoch, repetition }, image, target) => {
    // An image that comes twice in an epoch, because there is less than a batch, is changed differently each time.
    const changed = augmenter ? augmenter.apply(bytes, epoch, index + dataset.count * repetition) : bytes;
    writeNormalised(image, n, changed, size, channels, table);
    const label = dataset.labelOf(index);
    if (target) writeTarget(target, n, label, classWeights?.[label] ?? 1);
  };
}

/** Opens a loader over some of a data set's images. Nothing is read before the first `fill`. */
export function openLoader(dataset: Dataset, indices: Uint32Array, options: LoaderOptions): Loader {
  const { size, channels, fit, share } = options.preprocessing;
  const sequence = openSequence(dataset, indices, options);
  const { batch, batches, isTraining, orderOf } = sequence;
  const augmentation = isTraining ? (options.augmentation ?? {}) : undefined;
  const rule: PixelRule = { size: sourceSize(size, dataset.nativeSize, augmentation ?? {}), channels, fit, share };
  const write = openWrite(dataset, rule.size, augmentation, options);
  const mixing = openDraws(options.seed ?? 0, "mixup");
  const isWanted = (from: number, position: number): boolean => isTraining || Math.floor(from / batches) === Math.floor(position / batches);
  const requests = openRequests(openAsk(dataset, rule, sequence), options.prefetch ?? 3, isWanted);
  const filled = new Uint32Array(batch);
  const read = async (pixels: Pixels, order: Uint32Array, place: number): Promise<Sample | undefined> => {
    try {
      return { index: order[place], bytes: pixels instanceof Promise ? await pixels : pixels };
    } catch (cause) {
      return isTraining ? await substitute(dataset, order, place, rule, cause) : undefined;
    }
  };
  const fillRows = async (epoch: number, at: number, image: PixelTarget, target?: PixelTarget): Promise<number> => {
    const pixels = requests.take(epoch * batches + at);
    requests.ahead(epoch * batches + at);
    const order = orderOf(epoch);
    let count = 0;
    for (let n = 0; n < pixels.length; n++) {
      const place = at * batch + n;
      const sample = await read(pixels[n], order, place % order.length);
      if (!sample) continue;
      write(sample, count, { epoch, repetition: Math.floor(place / order.length) }, image, target);
      filled[count++] = sample.index;
    }
    return count;
  };
  return {
    batches,
    async fill(epoch, at, image, target) {
      if (!(at >= 0 && at < batches)) throw new InternalError(`loader: batch ${at} of ${batches}`);
      checkTarget("image", image, [batch, channels, size, size]);
      checkTarget("target", target, [batch, dataset.labels.length]);
      const count = await fillRows(epoch, at, image, target);
      for (let n = count; n < batch; n++) {
        clearImage(image, n);
        if (target) writeTarget(target, n, -1, 0);
      }
      if (augmentation?.mixup && target) mixUp(image, target, augmentation.mixup, mixing, epoch, at);
      return { count, indices: filled.subarray(0, count) };
    },
  };
}
