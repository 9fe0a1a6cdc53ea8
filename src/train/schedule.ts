import { OptionError } from "../core/errors.ts";

/**
 * How the learning rate moves after the warm-up, as a fraction of its peak.
 * `cosine` falls to `floor` along half a cosine (SGDR without restarts, arXiv 1608.03983); `step` multiplies by `factor` every
 * `epochs` epochs (the MobileNets' "0.98 an epoch" is { epochs: 1, factor: 0.98 }).
 */
export type Schedule =
  | { readonly kind: "constant" }
  | { readonly kind: "cosine"; readonly floor?: number }
  | { readonly kind: "step"; readonly epochs: number; readonly factor: number };

/** What a schedule needs to know of a recipe; `warmUp` and `epochs` count epochs. */
export interface ScheduleOptions {
  readonly learningRate: number;
  readonly schedule: Schedule;
  readonly warmUp: number;
  readonly epochs: number;
}

/** A short training must not be all warm-up. */
const MOST_WARM_UP = 1 / 4;

function fractionAfterWarmUp(schedule: Schedule, epoch: number, warmUp: number, epochs: number): number {
  switch (schedule.kind) {
    case "constant":
      return 1;
    case "cosine": {
      const floor = schedule.floor ?? 0;
      const progress = epochs > warmUp ? Math.min(1, (epoch - warmUp) / (epochs - warmUp)) : 1;
      return floor + ((1 - floor) * (1 + Math.cos(Math.PI * progress))) / 2;
    }
    case "step":
      return schedule.factor ** Math.floor(epoch / schedule.epochs);
  }
}

/** The learning rate of optimiser step `step` (counted from 0): a pure function of its arguments, so resuming needs no state. */
export function learningRateAt(options: ScheduleOptions, step: number, stepsPerEpoch: number): number {
  const { learningRate, schedule, epochs } = options;
  const warmUp = Math.min(options.warmUp, epochs * MOST_WARM_UP);
  const warmUpSteps = Math.round(warmUp * stepsPerEpoch);
  if (step < warmUpSteps) return (learningRate * (step + 1)) / (warmUpSteps + 1);
  return learningRate * fractionAfterWarmUp(schedule, step / stepsPerEpoch, warmUp, epochs);
}

/** The decay of the moving average at a step: short memory first, so that early averages are not made of the initial weights. */
export function averageDecayAt(decay: number, step: number): number {
  return Math.min(decay, (1 + step) / (10 + step));
}

/** Refuses schedules with values that mean nothing. */
export function validateSchedule(schedule: Schedule): void {
  const kinds = ["constant", "cosine", "step"];
  if (!kinds.includes(schedule?.kind)) throw new OptionError(`schedule.kind is "${schedule?.kind}"; it needs one of ${kinds.join(", ")}`);
  if (schedule.kind === "step") {
    if (!(schedule.epochs > 0))
      throw new OptionError(`schedule.epochs is ${schedule.epochs}; a step schedule needs a number of epochs above 0`);
    if (!(schedule.factor > 0 && schedule.factor <= 1))
      throw new OptionError(`schedule.factor is ${schedule.factor}; a step schedule needs a factor above 0 and at most 1`);
  }
  if (schedule.kind === "cosine" && schedule.floor !== undefined && !(schedule.floor >= 0 && schedule.floor <= 1))
    throw new OptionError(`schedule.floor is ${schedule.floor}; a cosine schedule needs a fraction of the learning rate from 0 to 1`);
}
