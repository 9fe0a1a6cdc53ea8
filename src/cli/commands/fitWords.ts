import { checkpointStore } from "../../node.ts";
import type { Parts, TrainingEvent } from "../../train.ts";
import type { Context } from "../context.ts";
import { duration, grouped, percent } from "../terminal/text.ts";
import type { StageWords } from "./fitStages.ts";

/** Refuses an output that cannot be written, or that another training writes, before time is spent on the data. */
export async function proveWritable(out: string): Promise<void> {
  const store = checkpointStore(out);
  await store.open();
  await store.close();
}

/** The images that tell how good a training was: those that it saw least of. */
export function heldBack({ test, validation, train: training }: Parts): Uint32Array {
  if (test.length > 0) return test;
  return validation.length > 0 ? validation : training;
}

/** What a progress line says of a training. */
export function progressWords(event: TrainingEvent, stages: StageWords): string {
  const { phase, epoch, epochs, loss, accuracy, imagesPerSecond, secondsLeft } = event;
  const now = phase === "validation" ? "validating" : `loss ${loss.toFixed(3)}  ${percent(accuracy)}`;
  return `epoch ${epoch}/${epochs}  ${stages.ofEvent(event)}${now}  ${grouped(imagesPerSecond)} images/s  ${duration(secondsLeft)} left`;
}

/** One line for each epoch that has ended since the last call. */
export function showEpochs(
  { history, epochs }: Pick<TrainingEvent, "history" | "epochs">,
  stages: StageWords,
  shown: number,
  context: Context,
): number {
  for (const { epoch, loss, accuracy, validation } of history.slice(shown)) {
    const checked = validation ? `  validation ${percent(validation.accuracy, 2)} (loss ${validation.loss.toFixed(4)})` : "";
    context.note(
      `epoch ${String(epoch).padStart(String(epochs).length)}/${epochs}  ${stages.ofEpoch(epoch)}loss ${loss.toFixed(4)}  train ${percent(accuracy)}${checked}`,
    );
  }
  return history.length;
}
