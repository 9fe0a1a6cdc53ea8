/**
 * Training, from data and a recipe to weights. A training is a pure function of its identity (network, data, recipe, seed): steps are
 * numbered from the start, everything random is keyed by the number, and time only decides when a checkpoint is written. A batch that
 * an epoch's images do not fill is left out of that epoch; the order is new in each, so no image is left out for long.
 */
import { DataError, OptionError } from "../core/errors.ts";
import { sha256 } from "../core/sha256.ts";
import { classWeights, countByLabel, type Dataset } from "../data/dataset.ts";
import { openLoader } from "../data/loader.ts";
import type { Preprocessing } from "../data/preprocessing.ts";
import type { Parts } from "../data/split.ts";
import type { Backend, Session, Weights } from "../engine/session.ts";
import { optimiseTraining } from "../passes/index.ts";
import { type Checkpoint, type EpochMetrics, type Identity, identityDifferences, loadCheckpoint } from "./checkpoint.ts";
import type { CheckpointStore } from "./checkpointStore.ts";
import type { Evaluation } from "./evaluate.ts";
import { openEvaluator, weightNames } from "./evaluator.ts";
import { type CheckpointInterval, openKeeper } from "./keeper.ts";
import { type Position, readAll, type TrainingEvent, trainEpochs } from "./loop.ts";
import { checkRecipe, type Recipe } from "./recipe.ts";
import { openStepper } from "./step.ts";
import { type Builder, type NetworkShape, startingWeights, trainingGraph } from "./trainingGraph.ts";

/** What to train, on what, how, and where to keep it. */
export interface FitOptions {
  readonly build: Builder;
  /** The network's name and options as plain JSON; a checkpoint of another network is not resumed. */
  readonly network?: unknown;
  readonly data: Dataset;
  /** Which images train, which choose the epoch, which are read once at the end; `splitDataset` gives them. */
  readonly parts: Parts;
  readonly preprocessing: Preprocessing;
  readonly recipe: Recipe;
  readonly backend: Backend;
  /** Default 0. */
  readonly seed?: number;
  /** Threads of the engine; the result does not depend on them. */
  readonly threads?: number;
  /** Weights to start from, by name; those that are missing start at random. */
  readonly weights?: Weights;
  /** Where checkpoints are kept; without one nothing survives an interruption. */
  readonly store?: CheckpointStore;
  /** Goes on from the store's newest whole checkpoint, if there is one. */
  readonly isResumed?: boolean;
  readonly checkpointEvery?: CheckpointInterval;
  readonly signal?: AbortSignal;
  readonly onProgress?: (event: TrainingEvent) => void;
  /** Sentences for the user, such as where training goes on. */
  readonly onNotice?: (sentence: string) => void;
  /** Called with the result while the store is still held; when it returns, the checkpoints are removed. */
  readonly save?: (result: FitResult) => Promise<void>;
}

/** What a training came to. */
export interface FitResult {
  /** Of the best epoch, under the network's names; the moving average where the recipe has one. */
  readonly weights: Weights;
  /** The whole state after the last step, optimiser and averages included. */
  readonly last: Weights;
  readonly epochs: readonly EpochMetrics[];
  readonly best: EpochMetrics;
  /** Of the test part with `weights`; absent where that part is empty. */
  readonly test?: Evaluation;
  readonly identity: Identity;
  readonly labels: readonly string[];
  /** Spent on training and validation, over all runs. */
  readonly seconds: number;
  /** Training images seen, over `seconds`. */
  readonly imagesPerSecond: number;
}

async function identify(options: FitOptions, seed: number): Promise<Identity> {
  const { network = null, data, parts, preprocessing, recipe } = options;
  const divided = [parts.train, parts.validation, parts.test].map((part) => sha256(new Uint8Array(Uint32Array.from(part).buffer)));
  const hashes = [await data.fingerprint(), ...(await Promise.all(divided))];
  return { network, recipe, data: await sha256(new TextEncoder().encode(hashes.join(" "))), preprocessing, seed };
}

function checkData({ data, parts }: FitOptions): void {
  if (parts.train.length === 0) throw new DataError(`${data.name}: no training images; training needs at least 1 of each of 2 labels`);
  if (data.labels.length < 2) {
    throw new DataError(`${data.name}: one label ("${data.labels[0] ?? ""}"); a classifier needs images of at least 2`);
  }
}

/** The checkpoint to go on from; refuses one of another training by naming what differs. */
async function resumable(options: FitOptions, identity: Identity): Promise<Checkpoint | undefined> {
  const { store, isResumed = false, onNotice = () => undefined } = options;
  if (!store) return undefined;
  if (!isResumed) {
    if ((await store.list()).length > 0) onNotice(`starting anew: the checkpoint of an unfinished training, ${store.name}, is discarded`);
    await store.clear();
    return undefined;
  }
  const checkpoint = await loadCheckpoint(store, onNotice);
  if (!checkpoint) {
    onNotice(`no checkpoint in ${store.name}; starting at the beginning`);
    return undefined;
  }
  const found = identityDifferences(checkpoint.identity, identity);
  if (found.length > 0) {
    const list = found.map((difference) => `\n  ${difference}`).join("");
    throw new OptionError(
      `${store.name} is of another training and cannot be resumed as this one:${list}\n  give the same options, or start anew`,
    );
  }
  const { step, epochs } = checkpoint.progress;
  onNotice(`going on after step ${step} (epoch ${epochs.length + 1})`);
  return checkpoint;
}

/** Trains a network: `await fit({ build, data, parts, preprocessing, recipe, backend })`. */
export async function fit(options: FitOptions): Promise<FitResult> {
  const { store } = options;
  checkRecipe(options.recipe);
  checkData(options);
  await store?.open();
  try {
    const identity = await identify(options, options.seed ?? 0);
    const checkpoint = await resumable(options, identity);
    const result = await train(options, identity, checkpoint);
    if (options.save) {
      await options.save(result);
      await store?.clear();
    }
    return result;
  } finally {
    await store?.close();
  }
}

async function train(options: FitOptions, identity: Identity, checkpoint: Checkpoint | undefined): Promise<FitResult> {
  const { build, data, parts, preprocessing, recipe, backend, store, threads = 1 } = options;
  const { seed } = identity;
  const open = { threads };
  const batch = recipe.batch / recipe.accumulate;
  const shape: NetworkShape = { build, batch, size: preprocessing.size, channels: preprocessing.channels, classes: data.labels.length };
  const graph = optimiseTraining(trainingGraph({ ...shape, recipe }));
  const names = weightNames(shape);
  using session: Session = await backend.open(graph, checkpoint?.current ?? startingWeights(graph, seed, options.weights), open);
  const evaluator = openEvaluator({ shape, data, preprocessing, backend, open });
  try {
    const weighted = recipe.classWeights === "balanced" ? { classWeights: classWeights(countByLabel(data, parts.train)) } : {};
    const loader = openLoader(data, parts.train, {
      ...{ preprocessing, batch, seed, isTraining: true, augmentation: recipe.augmentation },
      ...weighted,
    });
    const stepper = openStepper({ session, loader, data, recipe, seed });
    const keeper = openKeeper(store, options.checkpointEvery ?? {}, checkpoint?.progress.step);
    const start: Position = checkpoint
      ? { ...checkpoint.progress, bestWeights: checkpoint.best }
      : { step: 0, epochs: [], running: { loss: 0, correct: 0, images: 0 }, seconds: 0, bestWeights: new Map() };
    const { signal, onProgress } = options;
    const loop = { identity, session, stepper, evaluator, validation: parts.validation, keeper, names, backend, open, signal, onProgress };
    const { epochs, best, bestWeights, seconds, step } = await trainEpochs(loop, start);
    const test = parts.test.length > 0 ? await evaluator.evaluate(bestWeights, parts.test) : undefined;
    const done = { weights: bestWeights, last: readAll(session), epochs, best: best as EpochMetrics, test, identity, labels: data.labels };
    return { ...done, seconds, imagesPerSecond: (step * recipe.batch) / seconds };
  } finally {
    evaluator.dispose();
  }
}
