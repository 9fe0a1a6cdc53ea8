import { OptionError } from "../core/errors.ts";
import { nearest } from "../core/suggest.ts";
import type { Augmentation } from "../data/augment.ts";
import { check, fraction, type Range } from "./check.ts";
import { type PublishedRecipe, published, publishedRecipes } from "./published.ts";
import { type Schedule, validateSchedule } from "./schedule.ts";
import { checkStages, type Stage } from "./stages.ts";

/** The rule that turns gradients into changes of the weights, with its own numbers. */
export type Optimiser =
  | { readonly kind: "sgd"; readonly momentum: number; readonly isNesterov: boolean }
  | { readonly kind: "rmsprop"; readonly decay: number; readonly eps: number; readonly momentum: number }
  | { readonly kind: "adamw"; readonly beta1: number; readonly beta2: number; readonly eps: number };

/** Everything that decides a training besides network, data and seed. Plain JSON; a checkpoint and a model file record it. */
export interface Recipe {
  readonly epochs: number;
  /** Images for one optimiser step. */
  readonly batch: number;
  /** Parts that a batch is computed in, their gradients added up; must divide `batch`. Normalisation sees one part at a time. */
  readonly accumulate: number;
  /** Peak of the schedule. */
  readonly learningRate: number;
  readonly schedule: Schedule;
  /** Epochs (a fraction is allowed) over which the learning rate rises linearly; at most a quarter of them all. */
  readonly warmUp: number;
  readonly optimiser: Optimiser;
  /** Decoupled: w −= learning rate · weightDecay · w, for weights of rank 2 and 4; biases and norms keep theirs. */
  readonly weightDecay: number;
  /** Largest L2 norm of all gradients together; 0 = no clipping. */
  readonly clip: number;
  /** Decay of the moving average of the weights, per step; 0 = none. Validation and the model file use the average. */
  readonly average: number;
  /** Share of each target spread over all classes. */
  readonly smoothing: number;
  /** Dropout rate before the classifier; absent = the network's own. */
  readonly dropout?: number;
  /** Share of the images whose last residual branch is dropped, in the networks that do so; absent = the network's own. */
  readonly stochasticDepth?: number;
  /** `balanced` weighs each class by its inverse frequency. */
  readonly classWeights: "none" | "balanced";
  readonly augmentation: Augmentation;
  /** Progressive learning: what differs from stage to stage. Validation and the model use the training's own size of images. */
  readonly stages?: readonly Stage[];
}

const common = { accumulate: 1, clip: 0, classWeights: "none" } as const;

/**
 * Starting points. `small` suits pictures of 28² to 64²; `photos` suits folders of photographs from nothing; `paper-sgd`,
 * `paper-rmsprop` and `paper-adamw` follow what the networks' authors and later practice report for ImageNet.
 */
export const recipes = {
  small: {
    ...common,
    epochs: 20,
    batch: 64,
    learningRate: 0.1,
    schedule: { kind: "cosine" },
    warmUp: 1,
    optimiser: { kind: "sgd", momentum: 0.9, isNesterov: true },
    weightDecay: 5e-4,
    average: 0.99,
    smoothing: 0.1,
    augmentation: { isFlipped: true },
  },
  photos: {
    ...common,
    epochs: 30,
    batch: 32,
    learningRate: 0.002,
    schedule: { kind: "cosine" },
    warmUp: 2,
    optimiser: { kind: "adamw", beta1: 0.9, beta2: 0.999, eps: 1e-8 },
    weightDecay: 0.05,
    clip: 5,
    average: 0.995,
    smoothing: 0.1,
    augmentation: { area: [0.35, 1], isFlipped: true, jitter: 0.2 },
  },
  "paper-sgd": {
    ...common,
    epochs: 90,
    batch: 256,
    learningRate: 0.1,
    schedule: { kind: "cosine" },
    warmUp: 5,
    optimiser: { kind: "sgd", momentum: 0.9, isNesterov: true },
    // Ten times the 4e-5 of recipes whose decay is part of the gradient: there the momentum of 0.9 amplifies it.
    weightDecay: 4e-4,
    average: 0.9999,
    smoothing: 0.1,
    augmentation: { area: [0.2, 1], isFlipped: true, jitter: 0.4 },
  },
  // MobileNetV2 and V3 (arXiv 1801.04381, section 6; 1905.02244, section 6.1.1), for one machine's batch.
  "paper-rmsprop": {
    ...common,
    epochs: 300,
    batch: 96,
    learningRate: 0.045,
    schedule: { kind: "step", epochs: 1, factor: 0.98 },
    warmUp: 5,
    optimiser: { kind: "rmsprop", decay: 0.9, eps: 1, momentum: 0.9 },
    weightDecay: 4e-5,
    average: 0.9999,
    smoothing: 0.1,
    augmentation: { area: [0.2, 1], isFlipped: true, jitter: 0.4 },
  },
  "paper-adamw": {
    ...common,
    epochs: 100,
    batch: 256,
    learningRate: 0.001,
    schedule: { kind: "cosine" },
    warmUp: 5,
    optimiser: { kind: "adamw", beta1: 0.9, beta2: 0.999, eps: 1e-8 },
    weightDecay: 0.05,
    clip: 1,
    average: 0.9999,
    smoothing: 0.1,
    augmentation: { area: [0.2, 1], isFlipped: true, mixup: 0.2, randAugment: { operations: 2, magnitude: 9 } },
  },
} satisfies Record<string, Recipe>;

/** Names that `recipe` takes. */
export type RecipeName = keyof typeof recipes | keyof typeof publishedRecipes;

/**
 * A named recipe with some of its values replaced, checked. A published one keeps its shape: with another number of epochs its schedule is
 * stretched, with another batch its learning rate follows.
 */
export function recipe(name: RecipeName | (string & {}), changes: Partial<Recipe> = {}): Recipe {
  if (Object.hasOwn(recipes, name)) return checkRecipe({ ...recipes[name as keyof typeof recipes], ...changes });
  if (!Object.hasOwn(publishedRecipes, name)) {
    const names = [...Object.keys(recipes), ...Object.keys(publishedRecipes)];
    const near = nearest(name, names);
    throw new OptionError(`unknown recipe "${name}"${near ? `; did you mean "${near}"?` : ""} (recipes: ${names.join(", ")})`);
  }
  // Before they stretch anything.
  for (const field of ["epochs", "batch"] as const) if (changes[field] !== undefined) check(field, changes[field], ranges[field]);
  const row: PublishedRecipe = publishedRecipes[name as keyof typeof publishedRecipes];
  const { stages, ...rest } = published(row, changes);
  // One dropout that is asked for takes the place of the stages' own.
  const kept = changes.dropout === undefined ? stages : stages?.map(({ dropout: _, ...stage }) => stage);
  return checkRecipe({ ...rest, ...(kept ? { stages: kept } : {}), ...changes });
}

const ranges: Readonly<Record<string, Range>> = {
  epochs: { isInteger: true, from: 1, to: 100_000 },
  batch: { isInteger: true, from: 1, to: 65_536 },
  accumulate: { isInteger: true, from: 1, to: 4096 },
  learningRate: { above: 0, to: 1000 },
  warmUp: { from: 0, to: 100_000 },
  weightDecay: { from: 0, to: 10 },
  clip: { from: 0 },
  average: fraction,
  smoothing: fraction,
};

const optimiserRanges: Readonly<Record<Optimiser["kind"], Readonly<Record<string, Range>>>> = {
  sgd: { momentum: fraction },
  rmsprop: { decay: fraction, eps: { above: 0 }, momentum: fraction },
  adamw: { beta1: fraction, beta2: fraction, eps: { above: 0 } },
};

function numbersOf(record: object): Readonly<Record<string, unknown>> {
  return record as Readonly<Record<string, unknown>>;
}

function checkAugmentation({ pad, area, jitter, mixup, randAugment }: Augmentation): void {
  if (pad !== undefined) check("augmentation.pad", pad, { isInteger: true, from: 0, to: 1024 });
  if (jitter !== undefined) check("augmentation.jitter", jitter, { from: 0, to: 1 });
  if (mixup !== undefined) check("augmentation.mixup", mixup, { from: 0, to: 100 });
  if (area !== undefined) {
    check("augmentation.area[0]", area[0], { above: 0, to: 1 });
    check("augmentation.area[1]", area[1], { from: area[0], to: 1 });
  }
  if (randAugment !== undefined) {
    check("augmentation.randAugment.operations", randAugment.operations, { isInteger: true, from: 0, to: 16 });
    check("augmentation.randAugment.magnitude", randAugment.magnitude, { from: 0, to: 30 });
  }
}

/** Refuses a recipe that cannot be carried out, naming the field, what was found and what it needs; returns it otherwise. */
export function checkRecipe(candidate: Recipe): Recipe {
  for (const [field, range] of Object.entries(ranges)) check(field, numbersOf(candidate)[field], range);
  const { batch, accumulate, dropout, stochasticDepth, optimiser, classWeights } = candidate;
  if (batch % accumulate !== 0) throw new OptionError(`accumulate is ${accumulate}; it needs a divisor of the batch, ${batch}`);
  if (dropout !== undefined) check("dropout", dropout, fraction);
  if (stochasticDepth !== undefined) check("stochasticDepth", stochasticDepth, fraction);
  if (!Object.hasOwn(optimiserRanges, optimiser?.kind ?? ""))
    throw new OptionError(`optimiser.kind is "${optimiser?.kind}"; it needs one of ${Object.keys(optimiserRanges).join(", ")}`);
  for (const [field, range] of Object.entries(optimiserRanges[optimiser.kind]))
    check(`optimiser.${field}`, numbersOf(optimiser)[field], range);
  if (classWeights !== "none" && classWeights !== "balanced")
    throw new OptionError(`classWeights is "${classWeights}"; it needs "none" or "balanced"`);
  validateSchedule(candidate.schedule);
  checkAugmentation(candidate.augmentation);
  checkStages(candidate);
  return candidate;
}
