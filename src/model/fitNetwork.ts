import { wasmBackend } from "../backends/wasm/index.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Preprocessing } from "../data/preprocessing.ts";
import type { Parts } from "../data/split.ts";
import type { Backend } from "../engine/session.ts";
import { buildNetwork, emitNetwork, findNetwork, type NetworkOptions, resolveOptions } from "../networks/index.ts";
import { type FitOptions, type FitResult, fit } from "../train/fit.ts";
import { checkRecipe, type Recipe } from "../train/recipe.ts";
import { planStages } from "../train/stages.ts";
import type { Builder } from "../train/trainingGraph.ts";
import type { Model } from "./model.ts";

/** What to train: a network by name on a data set; everything else as `fit` takes it. */
export interface FitNetworkOptions extends Omit<FitOptions, "build" | "network" | "backend" | "save"> {
  readonly network: string;
  readonly options?: NetworkOptions;
  readonly data: Dataset;
  readonly parts: Parts;
  readonly preprocessing: Preprocessing;
  readonly recipe: Recipe;
  /** Default: the WebAssembly engine. */
  readonly backend?: Backend;
  /** More for the model's provenance, such as the version of the program. */
  readonly provenance?: Readonly<Record<string, unknown>>;
  /** Called with the finished model while the store is still held; when it returns, the checkpoints are removed. */
  readonly save?: (model: Model, result: FitResult) => Promise<void>;
}

/** A trained model and how its training went. */
export interface FittedNetwork {
  readonly model: Model;
  readonly result: FitResult;
}

/** Trains a network of the zoo and makes a model of it. */
export async function fitNetwork(given: FitNetworkOptions): Promise<FittedNetwork> {
  const { network: name, options = {}, provenance = {}, save, backend = wasmBackend, ...rest } = given;
  const { data, preprocessing, recipe } = rest;
  const { stochasticDepth } = checkRecipe(recipe);
  const network = findNetwork(name);
  const { size, channels } = preprocessing;
  // Refuses what the network cannot be before anything is written.
  const asTrained = { ...options, classes: data.labels.length, ...(stochasticDepth === undefined ? {} : { stochasticDepth }) };
  const { droppedStrides } = resolveOptions(network, asTrained, size);
  for (const side of new Set([size, ...planStages(recipe, size).map((stage) => stage.size)]))
    buildNetwork(network, { ...asTrained, droppedStrides, size: side, channels });
  const build: Builder = (g, image, asked) => emitNetwork(g, image, network, resolveOptions(network, { ...options, ...asked }, size));
  const finished = (result: FitResult): Model => modelOf(name, options, preprocessing, recipe, data, provenance, result);
  const result = await fit({
    ...rest,
    build,
    backend,
    network: { name, options },
    ...(save ? { save: (each: FitResult) => save(finished(each), each) } : {}),
  });
  return { model: finished(result), result };
}

function modelOf(
  network: string,
  options: NetworkOptions,
  preprocessing: Preprocessing,
  recipe: Recipe,
  data: Dataset,
  provenance: Readonly<Record<string, unknown>>,
  result: FitResult,
): Model {
  const { weights, labels, best, test, identity, epochs } = result;
  const scores = test && { accuracy: test.accuracy, macroF1: test.macroF1, loss: test.loss, images: test.images };
  return {
    network,
    options,
    labels,
    preprocessing,
    weights,
    provenance: { ...provenance, data: { name: data.name, sha256: identity.data }, recipe, seed: identity.seed, epochs: epochs.length },
    metrics: { best, ...(scores ? { test: scores } : {}) },
  };
}
