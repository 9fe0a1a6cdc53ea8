import { type Choice, topChoices } from "../core/choices.ts";
import { DataError } from "../core/errors.ts";
import { normaliseTable, writeNormalised } from "../data/normalise.ts";
import type { Session } from "../engine/session.ts";
import type { Model } from "./model.ts";

/** A compiled model. Dispose of it after use. */
export interface Classifier {
  /** Threads that share each run. */
  readonly threads: number;
  /** Raw outputs for prepared pixels (bytes of size × size × channels, as `prepare` gives them); valid until the next call. */
  logits(pixels: Uint8Array): Float64Array;
  /** The most probable labels, best first. */
  classify(pixels: Uint8Array, top?: number): readonly Choice[];
  dispose(): void;
  [Symbol.dispose](): void;
}

/** Classifies with an open session of a model; disposes of it in the end. */
export function classifierOver(session: Session, { preprocessing, labels }: Pick<Model, "preprocessing" | "labels">): Classifier {
  const { size, channels } = preprocessing;
  const [image, output] = [session.view("image"), session.view("logits")];
  const table = normaliseTable(preprocessing);
  const row = new Float64Array(labels.length);
  function logits(pixels: Uint8Array): Float64Array {
    const needed = size * size * channels;
    if (pixels.length !== needed)
      throw new DataError(`an image of ${pixels.length} bytes; the model needs ${size}×${size}×${channels} = ${needed}`);
    writeNormalised(image, 0, pixels, size, channels, table);
    session.runInPlace();
    for (let i = 0; i < row.length; i++) row[i] = output.data[i * output.strides[1]];
    return row;
  }
  const dispose = (): void => session.dispose();
  return {
    threads: session.threads,
    logits,
    classify: (pixels, top = 5) => topChoices(logits(pixels), labels, top),
    dispose,
    [Symbol.dispose]: dispose,
  };
}
