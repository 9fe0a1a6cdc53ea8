import { TrainingError } from "../core/errors.ts";
import type { Backend, OpenOptions, Weights } from "../engine/session.ts";
import type { EpochMetrics, Identity, Progress, Running } from "./checkpoint.ts";
import { type Course, readAll } from "./course.ts";
import { describeNode, firstNotFinite } from "./diagnose.ts";
import { InterruptedError } from "./errors.ts";
import { type Evaluator, usableWeights } from "./evaluator.ts";
import { type Keeper, keptText } from "./keeper.ts";
import { openPace } from "./pace.ts";
import { workLeft } from "./stages.ts";
import type { StepOutcome } from "./step.ts";

/** What a training reports after every step, and after every batch of a validation. */
export interface TrainingEvent {
  readonly phase: "training" | "validation";
  /** Counted from 1. */
  readonly epoch: number;
  readonly epochs: number;
  /** Optimiser steps done, of all. */
  readonly step: number;
  readonly steps: number;
  /** Means over the epoch so far. */
  readonly loss: number;
  readonly accuracy: number;
  /** Of training, over the last seconds. */
  readonly imagesPerSecond: number;
  readonly secondsLeft: number;
  /** Of progressive learning, counted from 1; `size` is the side of its images in pixels. */
  readonly stage: { readonly number: number; readonly of: number; readonly size: number };
  /** Epochs finished so far. */
  readonly history: readonly EpochMetrics[];
}

/** Everything the loop works with. */
export interface LoopOptions {
  readonly identity: Identity;
  readonly course: Course;
  readonly evaluator: Evaluator;
  readonly validation: Uint32Array;
  readonly keeper: Keeper;
  readonly names: readonly string[];
  readonly backend: Backend;
  readonly open: OpenOptions;
  readonly signal?: AbortSignal;
  readonly onProgress?: (event: TrainingEvent) => void;
}

/** Where the loop stands: what a checkpoint records, and the weights of the best epoch. */
export interface Position extends Progress {
  readonly bestWeights: Weights;
}

const nothing: Running = { loss: 0, correct: 0, images: 0 };

/** Lets timers, signals and messages through; a step itself never gives up the thread. */
function breathe(): Promise<void> {
  return new Promise((resolve) => (typeof setImmediate === "function" ? setImmediate(resolve) : setTimeout(resolve)));
}

/** The better of two epochs: validation accuracy, then validation loss; without validation the later one. The earlier of equals. */
export function isBetter(candidate: EpochMetrics, best: EpochMetrics | undefined): boolean {
  if (!best?.validation || !candidate.validation) return true;
  const gain = candidate.validation.accuracy - best.validation.accuracy;
  return gain > 0 || (gain === 0 && candidate.validation.loss < best.validation.loss);
}

/** Trains from a position to the last epoch's end; throws InterruptedError once `signal` is aborted, TrainingError when nothing is finite. */
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: its functions are closures over the position in the training.
export async function trainEpochs(options: LoopOptions, start: Position): Promise<Position> {
  const { identity, course, evaluator, validation, keeper, names, signal, onProgress } = options;
  const { epochs, batch } = identity.recipe;
  const { stepsPerEpoch } = course.stepper();
  const steps = epochs * stepsPerEpoch;
  const pace = openPace(batch, workLeft(course.stages, start.step, stepsPerEpoch));
  let position = start;

  const report = (phase: TrainingEvent["phase"]): void => {
    const { step, running, epochs: history } = position;
    const [loss, accuracy] = [running.loss / running.images, running.correct / running.images];
    const { number, size } = course.stage();
    const stage = { number, of: course.stages.length, size };
    onProgress?.({ phase, epoch: history.length + 1, epochs, step, steps, loss, accuracy, ...pace.read(), stage, history });
  };
  const save = async (): Promise<void> => {
    const { bestWeights, ...progress } = { ...position, seconds: start.seconds + pace.seconds() };
    await keeper.write({ identity, progress, current: readAll(course.session()), best: bestWeights });
  };
  const stopIfAsked = async (): Promise<void> => {
    if (!signal?.aborted) return;
    if (keeper.keptStep() !== position.step) await save();
    const where = `interrupted after step ${position.step} of ${steps} (epoch ${position.epochs.length + 1} of ${epochs})`;
    throw new InterruptedError(`${where}; ${keptText(keeper.keptStep())}`, position.step);
  };

  while (position.epochs.length < epochs) {
    await course.enter(position.epochs.length);
    const end = (position.epochs.length + 1) * stepsPerEpoch;
    while (position.step < end) {
      pace.begin();
      const outcome = await course.stepper().run(position.step);
      if (!isFiniteStep(outcome)) throw await notFinite(options, outcome, position);
      position = { ...position, step: position.step + 1, running: addStep(position.running, outcome) };
      pace.end(course.stage().size ** 2);
      report("training");
      if (pace.isBreathDue()) await breathe();
      await stopIfAsked();
      if (position.step < end && keeper.isDue(position.step)) await save();
    }
    const weights = usableWeights(course.session(), names);
    const watch = async (): Promise<void> => {
      report("validation");
      await breathe();
      await stopIfAsked();
    };
    const evaluation = validation.length > 0 ? await evaluator.evaluate(weights, validation, watch) : undefined;
    position = closeEpoch(position, weights, evaluation);
    if (evaluation && !Number.isFinite(evaluation.loss)) {
      throw new TrainingError(
        `the validation loss of epoch ${position.epochs.length} is ${evaluation.loss}; ${keptText(keeper.keptStep())}`,
      );
    }
    await save();
    if (position.epochs.length < epochs) await stopIfAsked();
  }
  return { ...position, seconds: start.seconds + pace.seconds() };
}

function addStep(running: Running, { loss, correct, images }: StepOutcome): Running {
  return { loss: running.loss + loss * images, correct: running.correct + correct, images: running.images + images };
}

function isFiniteStep({ loss, gradientNorm }: StepOutcome): boolean {
  return Number.isFinite(loss) && Number.isFinite(gradientNorm);
}

/** Records the epoch that has just ended and keeps its weights where it is the best so far. */
function closeEpoch(position: Position, weights: Weights, evaluation: { loss: number; accuracy: number } | undefined): Position {
  const { running, epochs, best, bestWeights } = position;
  const validation = evaluation && { validation: { loss: evaluation.loss, accuracy: evaluation.accuracy } };
  const means = { loss: running.loss / running.images, accuracy: running.correct / running.images };
  const metrics: EpochMetrics = { epoch: epochs.length + 1, ...means, ...validation };
  const isBest = isBetter(metrics, best);
  const kept = isBest ? { best: metrics, bestWeights: weights } : { best, bestWeights };
  return { ...position, ...kept, epochs: [...epochs, metrics], running: nothing };
}

/** Explains a step whose loss or gradient is not finite: where it is, and what helps. */
async function notFinite(options: LoopOptions, outcome: StepOutcome, { step, epochs }: Position): Promise<TrainingError> {
  const { course, backend, open, keeper, identity } = options;
  const { stepsPerEpoch } = course.stepper();
  const node = await firstNotFinite(course.session(), backend, open);
  const what = Number.isFinite(outcome.loss) ? `the gradient's norm is ${outcome.gradientNorm}` : `the loss is ${outcome.loss}`;
  const place = `step ${step + 1} (epoch ${epochs.length + 1}, batch ${(step % stepsPerEpoch) + 1} of ${stepsPerEpoch})`;
  const { learningRate, clip } = identity.recipe;
  const remedy = `try a lower learning rate (now ${learningRate})${clip === 0 ? " or gradient clipping (now off)" : ""}`;
  return new TrainingError(
    `${what} at ${place}\n  first not finite: ${describeNode(node)}\n  ${keptText(keeper.keptStep())}; training has stopped: ${remedy}`,
  );
}
