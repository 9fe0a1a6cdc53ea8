/**
 * Progressive learning (EfficientNetV2, arXiv 2104.00298, section 4.2): a training in stages, from small images and weak regularisation to
 * large images and strong regularisation. A stage begins and ends with an epoch, so which one a step lies in follows from its number.
 */
import { OptionError } from "../core/errors.ts";
import type { Augmentation } from "../data/augment.ts";
import { check, fraction } from "./check.ts";
import type { Recipe } from "./recipe.ts";

/** What a stage changes in the recipe; what is absent stays as the recipe has it. */
export interface Stage {
  /** Length beside the other stages'. Default 1. */
  readonly share?: number;
  /** Side of the training images, pixels; without `size` and `scale` that of the images in use. */
  readonly size?: number;
  /** The same as a factor of the side of the images in use, which serves images of any size. */
  readonly scale?: number;
  readonly dropout?: number;
  /** Of RandAugment. */
  readonly magnitude?: number;
  /** The α of mixup. */
  readonly mixup?: number;
}

/** A stage of one training, with nothing left open. */
export interface StagePlan {
  /** Counted from 1. */
  readonly number: number;
  /** First epoch, and the one after the last; counted from 0. */
  readonly from: number;
  readonly to: number;
  /** Side of the training images, pixels. */
  readonly size: number;
  /** Absent = the network's own. */
  readonly dropout?: number;
  readonly augmentation: Augmentation;
}

/** Where each stage ends, in epochs. */
function ends(stages: readonly Stage[], epochs: number): readonly number[] {
  const total = stages.reduce((sum, { share = 1 }) => sum + share, 0);
  let passed = 0;
  return stages.map(({ share = 1 }) => {
    passed += share;
    return Math.round((passed / total) * epochs);
  });
}

function augmentationOf({ magnitude, mixup }: Stage, { augmentation }: Recipe): Augmentation {
  const { randAugment } = augmentation;
  return {
    ...augmentation,
    ...(magnitude !== undefined && randAugment ? { randAugment: { ...randAugment, magnitude } } : {}),
    ...(mixup === undefined ? {} : { mixup }),
  };
}

/** A side in proportion, to the nearest multiple of 4, so that it can be halved twice; the final side itself stays as it is. */
function scaledSize(scale: number, finalSize: number): number {
  return scale === 1 ? finalSize : Math.max(4, 4 * Math.round((scale * finalSize) / 4));
}

/** The stages of a training whose result is used on images of `finalSize`²; a recipe without stages is one stage. */
export function planStages(recipe: Recipe, finalSize: number): readonly StagePlan[] {
  const { epochs, stages = [{}] } = recipe;
  const to = ends(stages, epochs);
  return stages.map((stage, i) => {
    const dropout = stage.dropout ?? recipe.dropout;
    return {
      number: i + 1,
      from: i === 0 ? 0 : to[i - 1],
      to: to[i],
      size: stage.size ?? scaledSize(stage.scale ?? 1, finalSize),
      ...(dropout === undefined ? {} : { dropout }),
      augmentation: augmentationOf(stage, recipe),
    };
  });
}

/** Work of the steps from number `step` on, where a step on images of one pixel is 1. */
export function workLeft(plans: readonly StagePlan[], step: number, stepsPerEpoch: number): number {
  return plans.reduce(
    (sum, { from, to, size }) => sum + size ** 2 * Math.max(0, to * stepsPerEpoch - Math.max(from * stepsPerEpoch, step)),
    0,
  );
}

/** The stage that an epoch, counted from 0, lies in. */
export function stageAt(plans: readonly StagePlan[], epoch: number): StagePlan {
  return plans.find(({ to }) => epoch < to) ?? plans[plans.length - 1];
}

/** Refuses stages that cannot be carried out, naming the field, what was found and what it needs. */
export function checkStages({ stages, epochs, augmentation }: Recipe): void {
  if (stages === undefined) return;
  if (!Array.isArray(stages) || stages.length === 0) {
    throw new OptionError(`stages is ${JSON.stringify(stages)}; it needs a list of at least one stage, or to be left out`);
  }
  for (const [i, { share = 1, size, scale, dropout, magnitude, mixup }] of (stages as readonly Stage[]).entries()) {
    const field = (name: string): string => `stages[${i}].${name}`;
    check(field("share"), share, { above: 0, to: 100_000 });
    if (size !== undefined) check(field("size"), size, { isInteger: true, from: 1, to: 4096 });
    if (scale !== undefined) check(field("scale"), scale, { above: 0, to: 16 });
    if (size !== undefined && scale !== undefined)
      throw new OptionError(`${field("size")} is ${size} and ${field("scale")} ${scale}; a stage needs one of them`);
    if (dropout !== undefined) check(field("dropout"), dropout, fraction);
    if (mixup !== undefined) check(field("mixup"), mixup, { from: 0, to: 100 });
    if (magnitude === undefined) continue;
    check(field("magnitude"), magnitude, { from: 0, to: 30 });
    if (augmentation.randAugment === undefined)
      throw new OptionError(`${field("magnitude")} is ${magnitude}; it needs augmentation.randAugment, whose operations it is of`);
  }
  const empty = emptyStage(stages, epochs);
  if (empty < 0) return;
  let least = epochs + 1;
  while (emptyStage(stages, least) >= 0) least++;
  throw new OptionError(
    `epochs is ${epochs}; it needs at least ${least} for these ${stages.length} stages, of which number ${empty + 1} would have no epoch`,
  );
}

/** The first stage without an epoch; −1 where there is none. */
function emptyStage(stages: readonly Stage[], epochs: number): number {
  const to = ends(stages, epochs);
  return to.findIndex((end, i) => end === (i === 0 ? 0 : to[i - 1]));
}
