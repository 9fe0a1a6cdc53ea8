import { OptionError } from "../core/errors.ts";
import { check, type Range } from "./check.ts";

/**
 * How the learning rate moves after the warm-up, as a fraction of its peak. `cosine` falls to `floor` along half a cosine (SGDR without
 * restarts, arXiv 1608.03983), `linear` to 0 in a straight line, `poly` as (1 − progress)^`power` (Caffe's policy); `step` multiplies by
 * `factor` every `epochs` epochs (the MobileNets' "0.98 an epoch" is { epochs: 1, factor: 0.98 }), `milestones` at each of `epochs`.
 */
export type Schedule =
  | { readonly kind: "constant" }
  | { readonly kind: "cosine"; readonly floor?: number }
  | { readonly kind: "linear" }
  | { readonly kind: "poly"; readonly power: number }
  | { readonly kind: "step"; readonly epochs: number; readonly factor: number }
  | { readonly kind: "milestones"; readonly epochs: readonly number[]; readonly factor: number };

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
  const progress = epochs > warmUp ? Math.min(1, (epoch - warmUp) / (epochs - warmUp)) : 1;
  switch (schedule.kind) {
    case "constant":
      return 1;
    case "cosine": {
      const floor = schedule.floor ?? 0;
      return floor + ((1 - floor) * (1 + Math.cos(Math.PI * progress))) / 2;
    }
    case "linear":
      return 1 - progress;
    case "poly":
      return (1 - progress) ** schedule.power;
    case "step":
      return schedule.factor ** Math.floor(epoch / schedule.epochs);
    case "milestones":
      return schedule.factor ** schedule.epochs.filter((milestone) => epoch >= milestone).length;
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

/** The schedule of a training `factor` times as long: what it counts in epochs grows along. */
export function stretched(schedule: Schedule, factor: number): Schedule {
  switch (schedule.kind) {
    case "step":
      return { ...schedule, epochs: schedule.epochs * factor };
    case "milestones":
      return { ...schedule, epochs: schedule.epochs.map((epoch) => epoch * factor) };
    default:
      return schedule;
  }
}

const factor: Range = { above: 0, to: 1 };

/** What each kind holds besides its name; `epochs` of milestones is a list. */
const ranges: Readonly<Record<Schedule["kind"], Readonly<Record<string, Range>>>> = {
  constant: {},
  cosine: { floor: { from: 0, to: 1 } },
  linear: {},
  poly: { power: { above: 0, to: 100 } },
  step: { epochs: { above: 0, to: 100_000 }, factor },
  milestones: { factor },
};

function checkMilestones(epochs: readonly number[]): void {
  if (!Array.isArray(epochs) || epochs.length === 0)
    throw new OptionError(`schedule.epochs is ${JSON.stringify(epochs)}; milestones need a list of at least one number of epochs`);
  for (const [i, epoch] of epochs.entries()) check(`schedule.epochs[${i}]`, epoch, { above: i === 0 ? 0 : epochs[i - 1] });
}

/** Refuses schedules with values that mean nothing. */
export function validateSchedule(schedule: Schedule): void {
  const kinds = Object.keys(ranges);
  if (!kinds.includes(schedule?.kind)) throw new OptionError(`schedule.kind is "${schedule?.kind}"; it needs one of ${kinds.join(", ")}`);
  const held = schedule as unknown as Readonly<Record<string, unknown>>;
  for (const [field, range] of Object.entries(ranges[schedule.kind])) {
    // Only the cosine's floor may be left out.
    if (field !== "floor" || held.floor !== undefined) check(`schedule.${field}`, held[field], range);
  }
  if (schedule.kind === "milestones") checkMilestones(schedule.epochs);
}
