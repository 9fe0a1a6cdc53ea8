import { availableParallelism } from "node:os";
import { buildNetwork, findNetwork, type NetworkOptions, staticCost } from "../../index.ts";
import { type Dataset, type Parts, type Preprocessing, preprocessingFor, type Recipe, recipe, splitDataset } from "../../train.ts";
import { defaultsFor } from "../defaults.ts";
import {
  choiceOption,
  given,
  networkOptions,
  numberOption,
  type RawOptions,
  shareOption,
  textOption,
  threadsOption,
  wholeOption,
} from "../options.ts";

/** What was asked for on the command line, checked as far as it can be without the data. */
export interface Asked {
  readonly network?: string;
  readonly options: NetworkOptions;
  readonly size?: number;
  readonly fit: "crop" | "squash";
  readonly recipe?: string;
  readonly changes: Partial<Recipe>;
  readonly validation: number;
  readonly test: number;
  readonly seed: number;
  readonly threads: number;
  readonly out: string;
}

/** Everything that one training needs. */
export interface Job {
  readonly data: Dataset;
  readonly parts: Parts;
  readonly preprocessing: Preprocessing;
  readonly network: string;
  readonly options: NetworkOptions;
  readonly recipe: Recipe;
  readonly validation: number;
  readonly test: number;
  readonly seed: number;
  readonly threads: number;
  readonly out: string;
}

/** Reads and checks what was typed, before any data is opened. */
export function readAsked(raw: RawOptions): Asked {
  const network = textOption(raw, "network");
  if (network !== undefined) findNetwork(network);
  const name = textOption(raw, "recipe");
  const changes = given({
    epochs: numberOption(raw, "epochs"),
    batch: numberOption(raw, "batch"),
    accumulate: numberOption(raw, "accumulate"),
    learningRate: numberOption(raw, "lr"),
    classWeights: choiceOption(raw, "class-weights", ["none", "balanced"]),
  });
  // The data decides which recipe is the default and so which batch --accumulate has to divide, but not what the other numbers may be.
  const { accumulate: _, ...independent } = changes;
  recipe(name ?? "small", name === undefined && changes.batch === undefined ? independent : changes);
  const size = wholeOption(raw, "size", 1);
  const fit = choiceOption(raw, "fit", ["crop", "squash"]) ?? "crop";
  if (size !== undefined) preprocessingFor({ size, channels: 3, fit });
  return {
    ...given({ network, size, recipe: name }),
    options: networkOptions(raw),
    fit,
    changes,
    validation: shareOption(raw, "validation") ?? 0,
    test: shareOption(raw, "test") ?? 0,
    seed: wholeOption(raw, "seed", 0) ?? 0,
    threads: threadsOption(raw, availableParallelism()),
    out: textOption(raw, "out") ?? "",
  };
}

/** Fills in what the data decides. */
export function planJob(data: Dataset, asked: Asked): Job {
  const { validation, test, seed, threads, out } = asked;
  const parts = splitDataset(data, { validation, test, seed });
  const defaults = defaultsFor(data, asked.size, asked.network);
  return {
    ...{ data, parts, validation, test, seed, threads, out },
    preprocessing: preprocessingFor({ size: defaults.size, channels: data.channels, fit: asked.fit }),
    network: defaults.network,
    options: { ...defaults.options, ...asked.options },
    recipe: recipe(asked.recipe ?? defaults.recipe, asked.changes),
  };
}

/** Parameters and multiply–accumulates of one image; refuses a network that cannot be built for these images. */
export function costOf({ network, options, data, preprocessing }: Job): { readonly params: number; readonly macs: number } {
  const { size, channels } = preprocessing;
  const { params, macs } = staticCost(buildNetwork(network, { ...options, classes: data.labels.length, size, channels }));
  return { params, macs };
}
