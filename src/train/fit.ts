/**
 * Training, from data and a recipe to weights. A training is a pure function of its identity (network, data, recipe, seed): steps are
 * numbered from the start, everything random is keyed by the number, and time only decides when a checkpoint is written. A batch that
 * an epoch's images do not fill is left out of that epoch; the order is new in each, so no image is left out for long.
 */
import { DataError, OptionError } from "../core/errors.ts";
import { sha256 } from "../core/sha256.ts";
import { classWeights, countByLabel, type Dataset } from "../data/dataset.ts";
import type { Preprocessing } from "../data/preprocessing.ts";
import type { Parts } from "../data/split.ts";
import type { Backend, Weights } from "../engine/session.ts";
import { type Checkpoint, type EpochMetrics, type Identity, identityDifferences, loadCheckpoint } from "./checkpoint.ts";
import type { CheckpointStore } from "./checkpointStore.ts";
import { checkStageShapes, openCourse, readAll } from "./course.ts";
import type { Evaluation } from "./evaluate.ts";
import { openEvaluator, weightNames } from "./evaluator.ts";
import { type CheckpointInterval, openKeeper } from "./keeper.ts";
import { type Position, type TrainingEvent, trainEpochs } from "./loop.ts";
import { checkRecipe, type Recipe } from "./recipe.ts";
import { planStages, type StagePlan, stageAt } from "./stages.ts";
import type { Builder, NetworkShape } from "./trainingGraph.ts";

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
  /** Of the training, in order; one where the recipe has none. */
  readonly stages: readonly StagePlan[];
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

function stagesOf({ recipe, preprocessing }: FitOptions): readonly StagePlan[] {
  return planStages(recipe, preprocessing.size);
}

/** `, stage 2 of 3`, where there is more than one. */
function stageText(options: FitOptions, epoch: number): string {
  const stages = stagesOf(options);
  return stages.length > 1 ? `, stage ${stageAt(stages, epoch).number} of ${stages.length}` : "";
}

function shapeOf({ build, recipe, preprocessing: { size, channels }, data }: FitOptions): NetworkShape {
  return { build, batch: recipe.batch / recipe.accumulate, size, channels, classes: data.labels.length };
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
  onNotice(`going on after step ${step} (epoch ${epochs.length + 1}${stageText(options, epochs.length)})`);
  return checkpoint;
}

/** Trains a network: `await fit({ build, data, parts, preprocessing, recipe, backend })`. */
export async function fit(options: FitOptions): Promise<FitResult> {
  const { store } = options;
  checkRecipe(options.recipe);
  checkData(options);
  checkStageShapes(shapeOf(options), stagesOf(options));
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
  const { data, parts, preprocessing, recipe, backend, store, threads = 1 } = options;
  const { seed } = identity;
  const open = { threads };
  const shape = shapeOf(options);
  const names = weightNames(shape);
  const weighted = recipe.classWeights === "balanced" ? { classWeights: classWeights(countByLabel(data, parts.train)) } : {};
  using course = await openCourse(
    { ...{ shape, stages: stagesOf(options), data, images: parts.train, preprocessing, recipe, seed, backend, open }, ...weighted },
    checkpoint?.progress.epochs.length ?? 0,
    checkpoint?.current,
    options.weights,
  );
  const evaluator = openEvaluator({ shape, data, preprocessing, backend, open });
  try {
    const keeper = openKeeper(store, options.checkpointEvery ?? {}, checkpoint?.progress.step);
    const start: Position = checkpoint
      ? { ...checkpoint.progress, bestWeights: checkpoint.best }
      : { step: 0, epochs: [], running: { loss: 0, correct: 0, images: 0 }, seconds: 0, bestWeights: new Map() };
    const { signal, onProgress } = options;
    const loop = { identity, course, evaluator, validation: parts.validation, keeper, names, backend, open, signal, onProgress };
    const { epochs, best, bestWeights, seconds, step } = await trainEpochs(loop, start);
    const test = parts.test.length > 0 ? await evaluator.evaluate(bestWeights, parts.test) : undefined;
    const done = {
      weights: bestWeights,
      last: readAll(course.session()),
      epochs,
      best: best as EpochMetrics,
      test,
      stages: course.stages,
      identity,
      labels: data.labels,
    };
    return { ...done, seconds, imagesPerSecond: (step * recipe.batch) / seconds };
  } finally {
    evaluator.dispose();
  }
}
