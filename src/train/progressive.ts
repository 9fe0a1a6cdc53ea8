/** The schedules by which EfficientNetV2 was trained on growing images, as printed and as released. arXiv 2104.00298, section 4. */
import { OptionError } from "../core/errors.ts";
import type { Stage } from "./stages.ts";

/** One stage of progressive learning: epochs from `from` up to but not including `to`, pixels of a side, and the strength of each regulariser. */
export interface ProgressiveStage {
  readonly from: number;
  readonly to: number;
  readonly size: number;
  /** Of RandAugment, on the authors' scale. */
  readonly magnitude: number;
  /** α of mixup, and of CutMix on the other half of the batch; 0 = none. */
  readonly mixup: number;
  readonly cutmix: number;
  readonly dropout: number;
}

/** First and last value of each quantity: table 6 of the paper, and what the authors' code does. */
type Ranges = Readonly<Record<"size" | "magnitude" | "mixup" | "cutmix" | "dropout", readonly [first: number, last: number]>>;

const none = [0, 0] as const;

/** The notes at hand give 0.4 for the mixup of L, the authors' code 0.5: the code is taken. The paper's CutMix is not told. */
const paperRanges: Readonly<Record<"s" | "m" | "l", Ranges>> = {
  s: { size: [128, 300], magnitude: [5, 15], mixup: none, cutmix: none, dropout: [0.1, 0.3] },
  m: { size: [128, 380], magnitude: [5, 20], mixup: [0, 0.2], cutmix: none, dropout: [0.1, 0.4] },
  l: { size: [128, 380], magnitude: [5, 25], mixup: [0, 0.5], cutmix: none, dropout: [0.1, 0.5] },
};

/** As released: dropout is computed and then dropped, so it stays what the network has. */
const releasedRanges: Readonly<Record<"s" | "m" | "l", Ranges>> = {
  s: { size: [128, 300], magnitude: [5, 10], mixup: none, cutmix: none, dropout: [0.2, 0.2] },
  m: { size: [128, 384], magnitude: [5, 15], mixup: [0, 0.2], cutmix: [0, 0.2], dropout: [0.3, 0.3] },
  l: { size: [128, 384], magnitude: [5, 20], mixup: [0, 0.5], cutmix: [0, 0.5], dropout: [0.4, 0.4] },
};

function needWhole(what: string, value: number, least: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  const legal = Number.isNaN(value) ? least : Math.min(Math.max(Math.round(value), least), most);
  throw new OptionError(`${what} is ${value}; it needs a whole number from ${least} to ${most}; nearest legal value ${legal}`);
}

/** Which schedule, for how many epochs, in how many stages of equal length. */
export interface ProgressiveOptions {
  readonly form?: "paper" | "released";
  readonly epochs?: number;
  readonly stages?: number;
}

/**
 * EfficientNetV2's progressive learning: small images and weak regularisation first. Every quantity goes in a straight line from its first to its
 * last value; only the released code's size starts one step further, as its first stage is already larger. arXiv 2104.00298, section 4.2.
 */
export function progressiveSchedule(
  size: "s" | "m" | "l",
  { form = "paper", epochs = 350, stages = 4 }: ProgressiveOptions = {},
): readonly ProgressiveStage[] {
  needWhole("epochs", epochs, 1, 100_000);
  needWhole("stages", stages, 1, epochs);
  const ranges = (form === "paper" ? paperRanges : releasedRanges)[size];
  const between = ([first, last]: readonly [number, number], share: number): number => first + (last - first) * share;
  return Array.from({ length: stages }, (_, i) => {
    const share = stages === 1 ? 1 : i / (stages - 1);
    const pixels = form === "paper" ? Math.round(between(ranges.size, share)) : Math.trunc(between(ranges.size, (i + 1) / stages));
    const [magnitude, mixup, cutmix, dropout] = [ranges.magnitude, ranges.mixup, ranges.cutmix, ranges.dropout].map((range) =>
      Number(between(range, share).toFixed(9)),
    );
    const bounds = { from: Math.round((i * epochs) / stages), to: Math.round(((i + 1) * epochs) / stages) };
    return { ...bounds, size: pixels, magnitude, mixup, cutmix, dropout };
  });
}

/**
 * The same as stages of a recipe: sizes as shares of the last one, for images of any size. CutMix, with which M and L were released, is left
 * out, and so is the released dropout, which is the network's own throughout.
 */
export function progressiveStages(size: "s" | "m" | "l", form: "paper" | "released"): readonly Stage[] {
  const schedule = progressiveSchedule(size, { form });
  const { size: last } = schedule[schedule.length - 1];
  return schedule.map(({ size: pixels, magnitude, mixup, dropout }) => ({
    scale: Number((pixels / last).toFixed(4)),
    ...(form === "paper" ? { dropout } : {}),
    ...{ magnitude, mixup },
  }));
}

/** Growing images and nothing else, for recipes without stages: the sizes of the released schedule of S. */
export const growingStages: readonly Stage[] = progressiveStages("s", "released").map(({ scale }) => ({ scale }));
