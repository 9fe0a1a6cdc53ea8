import { TrainingError } from "../core/errors.ts";
import { type Checkpoint, encodeCheckpoint } from "./checkpoint.ts";
import type { CheckpointStore } from "./checkpointStore.ts";
import { weightNotFinite } from "./diagnose.ts";

/** When checkpoints are written besides the end of each epoch: after so many optimiser steps or seconds, whichever comes first. */
export interface CheckpointInterval {
  readonly steps?: number;
  readonly seconds?: number;
}

/** Writes checkpoints and knows when the next one is due. */
export interface Keeper {
  isDue(step: number): boolean;
  /** Writes one; refuses weights that are not finite, so that the kept checkpoint stays a good one. */
  write(checkpoint: Checkpoint): Promise<void>;
  /** The step of the newest one written or resumed from; undefined where there is none. */
  keptStep(): number | undefined;
}

const DEFAULT_SECONDS = 60;

/** A keeper for a store; without a store it never writes. `resumedAt` is the step of the checkpoint that training goes on from. */
export function openKeeper(store: CheckpointStore | undefined, interval: CheckpointInterval, resumedAt?: number): Keeper {
  const { steps = Number.POSITIVE_INFINITY, seconds = DEFAULT_SECONDS } = interval;
  let kept = resumedAt;
  let keptAt = performance.now();
  let from = resumedAt ?? 0;
  return {
    isDue: (step) => store !== undefined && (step - from >= steps || performance.now() - keptAt >= 1000 * seconds),
    async write(checkpoint) {
      if (!store) return;
      const { step } = checkpoint.progress;
      const bad = weightNotFinite(checkpoint.current);
      if (bad !== undefined) throw new TrainingError(`"${bad}" is not finite after step ${step}; ${keptText(kept)}`);
      await store.write(await encodeCheckpoint(checkpoint));
      [kept, from, keptAt] = [step, step, performance.now()];
    },
    keptStep: () => kept,
  };
}

/** What an error says of the checkpoint that stays. */
export function keptText(step: number | undefined): string {
  return step === undefined ? "no checkpoint was written" : `the checkpoint of step ${step} is kept`;
}
