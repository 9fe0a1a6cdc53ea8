/** Training with Goldcrest, on every platform. */
import "./core/requireNode.ts";

export { softmax, topChoices } from "./core/choices.ts";
export type { Augmentation } from "./data/augment.ts";
export { classWeights, countByLabel, type Dataset } from "./data/dataset.ts";
export { fetchEmbedded } from "./data/fashionMnist.ts";
export { openLoader } from "./data/loader.ts";
export { checkPreprocessing, type Preprocessing, preprocessingFor } from "./data/preprocessing.ts";
export { duplicateWarnings, type Parts, type SplitOptions, splitDataset } from "./data/split.ts";
export { type CompileIntegersOptions, compileIntegers } from "./model/compileIntegers.ts";
export { type EvaluateModelOptions, evaluateModel } from "./model/evaluateModel.ts";
export { type FitNetworkOptions, type FittedNetwork, fitNetwork } from "./model/fitNetwork.ts";
export { type LayerError, type QuantizedModel, type QuantizeOptions, quantizeModel } from "./model/quantizeModel.ts";
export { type RangeMethod, rangeMethods } from "./quantize/histogram.ts";
export type { EpochMetrics, Identity } from "./train/checkpoint.ts";
export { type CheckpointStore, memoryStore } from "./train/checkpointStore.ts";
export { InterruptedError, LockedError } from "./train/errors.ts";
export { type ClassMetrics, type Evaluation, evaluate } from "./train/evaluate.ts";
export { type FitOptions, type FitResult, fit } from "./train/fit.ts";
export { initialise } from "./train/initialise.ts";
export type { TrainingEvent } from "./train/loop.ts";
export { growingStages, progressiveStages } from "./train/progressive.ts";
export { type PublishedRecipe, publishedFor, publishedRecipes } from "./train/published.ts";
export { checkRecipe, type Optimiser, type Recipe, type RecipeName, recipe, recipes } from "./train/recipe.ts";
export type { Schedule } from "./train/schedule.ts";
export { planStages, type Stage, type StagePlan, stageAt } from "./train/stages.ts";
export { type Builder, evaluationGraph, trainingGraph } from "./train/trainingGraph.ts";
