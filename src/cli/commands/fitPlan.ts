import { availableParallelism } from "node:os";
import { buildNetwork, findNetwork, type NetworkOptions, OptionError, staticCost } from "../../index.ts";
import {
  checkRecipe,
  type Dataset,
  growingStages,
  type Parts,
  type Preprocessing,
  planStages,
  preprocessingFor,
  publishedFor,
  publishedRecipes,
  type Recipe,
  recipe,
  type StagePlan,
  splitDataset,
} from "../../train.ts";
import { defaultsFor } from "../defaults.ts";
import {
  choiceOption,
  given,
  hasFlag,
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
  /** Images that grow, also where the recipe has no stages. */
  readonly isProgressive: boolean;
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
  readonly stages: readonly StagePlan[];
  readonly validation: number;
  readonly test: number;
  readonly seed: number;
  readonly threads: number;
  readonly out: string;
}

/** The recipe of a name, or under the name `published` that of the network. */
function recipeName(name: string | undefined, network: string | undefined): string | undefined {
  if (name !== "published") return name;
  if (network === undefined) throw new OptionError("--recipe published is that of a network; it needs --network");
  const found = publishedFor(network);
  if (found !== undefined) return found;
  throw new OptionError(
    `no recipe was published for ${network}
  give one by name: ${Object.keys(publishedRecipes).join(", ")} (goldcrest recipes)`,
  );
}

function recipeOf(name: string, { changes, isProgressive }: Pick<Asked, "changes" | "isProgressive">): Recipe {
  const rules = recipe(name, changes);
  return isProgressive && !rules.stages ? checkRecipe({ ...rules, stages: growingStages }) : rules;
}

/** Reads and checks what was typed, before any data is opened. */
export function readAsked(raw: RawOptions): Asked {
  const network = textOption(raw, "network");
  if (network !== undefined) findNetwork(network);
  const name = recipeName(textOption(raw, "recipe"), network);
  const isProgressive = hasFlag(raw, "progressive");
  const changes = given({
    epochs: numberOption(raw, "epochs"),
    batch: numberOption(raw, "batch"),
    accumulate: numberOption(raw, "accumulate"),
    learningRate: numberOption(raw, "lr"),
    dropout: shareOption(raw, "dropout"),
    stochasticDepth: shareOption(raw, "stochastic-depth"),
    classWeights: choiceOption(raw, "class-weights", ["none", "balanced"]),
  });
  // The data decides which recipe is the default and so which batch --accumulate has to divide, but not what the other numbers may be.
  const { accumulate: _, ...independent } = changes;
  recipeOf(name ?? "small", { changes: name === undefined && changes.batch === undefined ? independent : changes, isProgressive });
  const size = wholeOption(raw, "size", 1);
  const fit = choiceOption(raw, "fit", ["crop", "squash"]) ?? "crop";
  if (size !== undefined) preprocessingFor({ size, channels: 3, fit });
  return {
    ...given({ network, size, recipe: name }),
    options: networkOptions(raw),
    fit,
    changes,
    isProgressive,
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
  const rules = recipeOf(asked.recipe ?? defaults.recipe, asked);
  return {
    ...{ data, parts, validation, test, seed, threads, out },
    preprocessing: preprocessingFor({ size: defaults.size, channels: data.channels, fit: asked.fit }),
    network: defaults.network,
    options: { ...defaults.options, ...asked.options },
    recipe: rules,
    stages: planStages(rules, defaults.size),
  };
}

/** Parameters and multiply–accumulates of one image; refuses a network that cannot be built for these images. */
export function costOf({ network, options, data, preprocessing }: Job): { readonly params: number; readonly macs: number } {
  const { size, channels } = preprocessing;
  const { params, macs } = staticCost(buildNetwork(network, { ...options, classes: data.labels.length, size, channels }));
  return { params, macs };
}
