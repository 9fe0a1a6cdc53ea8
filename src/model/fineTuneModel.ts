/**
 * Training for integers: a calibrated model goes on learning as a float graph with the roundings of its integers, normalisation folded into the
 * weights, ranges as calibrated. Integers of the best epoch replace those of calibration alone where they do better on images held back.
 */
import { wasmBackend } from "../backends/wasm/index.ts";
import { OptionError } from "../core/errors.ts";
import { sha256 } from "../core/sha256.ts";
import type { Augmentation } from "../data/augment.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Parts } from "../data/split.ts";
import type { Weights } from "../engine/session.ts";
import { graft } from "../passes/graft.ts";
import { simulateIntegers } from "../passes/simulateIntegers.ts";
import type { Evaluation } from "../train/evaluate.ts";
import { type FitOptions, type FitResult, fit } from "../train/fit.ts";
import { checkRecipe, type Recipe } from "../train/recipe.ts";
import { type Calibrated, calibrateModel, type QuantizeOptions } from "./calibrateModel.ts";
import { evaluateModel, inLabelsOf } from "./evaluateModel.ts";
import { foldedIntegers } from "./integerForm.ts";
import type { Model } from "./model.ts";
import { modelGraph } from "./modelGraph.ts";
import { type QuantizedModel, quantisationOf, quantizeBy } from "./quantizeModel.ts";

/** How a model is calibrated, and how it is trained after that. */
export interface FineTuneOptions
  extends QuantizeOptions,
    Pick<FitOptions, "threads" | "store" | "isResumed" | "checkpointEvery" | "signal" | "onNotice"> {
  /** Images to train on, and those that choose between epochs and between fine-tuning and calibration alone. */
  readonly parts: Pick<Parts, "train" | "validation">;
  /** Default: `fineTuningRecipe(model)`. */
  readonly recipe?: Recipe;
  readonly onTraining?: FitOptions["onProgress"];
  /** Called with the finished model while the store is still held; when it returns, the checkpoints are removed. */
  readonly save?: (tuned: FineTunedModel) => Promise<void>;
}

/** A model in integers, trained for them. */
export interface FineTunedModel extends QuantizedModel {
  /** False where calibration alone did better: then the model is that of calibration alone. */
  readonly isTuned: boolean;
  /** Share of the images held back that each classifies rightly. */
  readonly validation: { readonly calibrated: number; readonly tuned: number };
  /** After calibration alone. */
  readonly calibrated: QuantizedModel;
  readonly training: FitResult;
}

/** A short training at a small rate, with the model's own augmentation; anything may be replaced. */
export function fineTuningRecipe({ provenance }: Model, changes: Partial<Recipe> = {}): Recipe {
  const { augmentation = {} } = (provenance.recipe ?? {}) as { readonly augmentation?: Augmentation };
  return checkRecipe({
    epochs: 2,
    batch: 32,
    accumulate: 1,
    learningRate: 2e-4,
    schedule: { kind: "cosine" },
    warmUp: 0.1,
    optimiser: { kind: "adamw", beta1: 0.9, beta2: 0.999, eps: 1e-8 },
    weightDecay: 0,
    clip: 5,
    average: 0.99,
    smoothing: 0,
    classWeights: "none",
    augmentation,
    ...changes,
  });
}

async function hashOf(weights: Weights): Promise<string> {
  const hashes: string[] = [];
  for (const [name, { data }] of weights) hashes.push(name, await sha256(new Uint8Array(data.slice().buffer)));
  return sha256(new TextEncoder().encode(hashes.join(" ")));
}

/** What `fit` is to do for a calibrated model. */
async function trainingOf(model: Model, data: Dataset, { best, images }: Calibrated, options: FineTuneOptions): Promise<FitOptions> {
  const { recipe = fineTuningRecipe(model), parts, seed = 0, backend = wasmBackend, onTraining } = options;
  if (recipe.stages)
    throw new OptionError("stages are of images that grow; ranges are calibrated for images of one size: leave stages out");
  const quantisation = quantisationOf(best, images);
  const { folded, integer } = foldedIntegers(modelGraph(model, recipe.batch / recipe.accumulate), quantisation);
  const simulated = simulateIntegers(folded, integer);
  const { weights } = best.folded;
  const { threads, store, isResumed, checkpointEvery, signal, onNotice } = options;
  return {
    ...{ threads, store, isResumed, checkpointEvery, signal, onNotice, onProgress: onTraining },
    build: (g, image) => graft(g, simulated, { image }).logits,
    network: { name: model.network, options: model.options, quantisation, weights: await hashOf(weights) },
    data: inLabelsOf(model, data),
    parts: { ...parts, test: new Uint32Array() },
    ...{ preprocessing: model.preprocessing, recipe, backend, seed, weights },
  };
}

/** Turns a float model into integers and trains it for them: never worse than calibration alone on the images held back. */
export async function fineTuneModel(model: Model, data: Dataset, options: FineTuneOptions): Promise<FineTunedModel> {
  const { parts, backend = wasmBackend, threads, save, onProgress } = options;
  const calibrated = await calibrateModel(model, data, { indices: parts.train, ...options });
  const alone = await quantizeBy(calibrated.best, model, calibrated, backend);
  const indices = parts.validation.length > 0 ? parts.validation : parts.train;
  const judge = (each: Model, what: string): Promise<Evaluation> => {
    const onBatch = (done: number): void => onProgress?.(done / indices.length, what);
    return evaluateModel(each, data, { indices, threads, backend, onBatch });
  };
  const finished = async (training: FitResult): Promise<FineTunedModel> => {
    const { choice, folded } = calibrated.best;
    const way = { ...calibrated.best, folded: { ...folded, weights: training.weights }, isCorrected: false, name: `${choice}, fine-tuned` };
    const { recipe, seed } = training.identity;
    const provenance = { ...model.provenance, fineTuning: { recipe, seed, epochs: training.epochs.length } };
    const tuned = await quantizeBy(way, { ...model, provenance }, calibrated, backend);
    const [before, after] = [await judge(alone.model, "judging calibration alone"), await judge(tuned.model, "judging fine-tuning")];
    const gain = after.accuracy - before.accuracy;
    const isTuned = gain > 0 || (gain === 0 && after.loss < before.loss);
    const validation = { calibrated: before.accuracy, tuned: after.accuracy };
    return { ...(isTuned ? tuned : alone), isTuned, validation, calibrated: alone, training };
  };
  const training = await trainingOf(model, data, calibrated, options);
  if (!save) return finished(await fit(training));
  let tuned!: FineTunedModel;
  await fit({
    ...training,
    async save(result) {
      tuned = await finished(result);
      await save(tuned);
    },
  });
  return tuned;
}
