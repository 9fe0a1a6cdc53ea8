import { argmax } from "../core/choices.ts";
import type { Dataset } from "../data/dataset.ts";
import { openLoader } from "../data/loader.ts";
import type { Preprocessing } from "../data/preprocessing.ts";
import type { Session, View } from "../engine/session.ts";

/** How one class fared. A ratio without cases (no such prediction, no such image) is 0. */
export interface ClassMetrics {
  readonly label: string;
  readonly images: number;
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

/** How well a network classifies. */
export interface Evaluation {
  readonly images: number;
  /** Mean cross-entropy, without smoothing; natural logarithm. */
  readonly loss: number;
  readonly accuracy: number;
  /** Mean F1 over the classes that occur, as truth or as prediction. */
  readonly macroF1: number;
  readonly classes: readonly ClassMetrics[];
  /** confusion[truth][predicted], counts. */
  readonly confusion: readonly (readonly number[])[];
}

/** Row n of a [rows, columns] view into `row`. */
function readRow(view: View, n: number, row: Float64Array): void {
  const [perRow, perColumn] = view.strides;
  for (let i = 0; i < row.length; i++) row[i] = view.data[n * perRow + i * perColumn];
}

/** log Σ exp(row), without overflow. */
function logSumExp(row: ArrayLike<number>): number {
  const most = row[argmax(row)];
  let sum = 0;
  for (let i = 0; i < row.length; i++) sum += Math.exp(row[i] - most);
  return most + Math.log(sum);
}

/** Ratios from a confusion matrix. */
export function scores(confusion: readonly (readonly number[])[], labels: readonly string[], totalLoss: number): Evaluation {
  const images = confusion.flat().reduce((sum, count) => sum + count, 0);
  const ratio = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);
  let right = 0;
  let f1Sum = 0;
  let occurring = 0;
  const classes = labels.map((label, k) => {
    const actual = confusion[k].reduce((sum, count) => sum + count, 0);
    const predicted = confusion.reduce((sum, row) => sum + row[k], 0);
    const hits = confusion[k][k];
    const f1 = ratio(2 * hits, actual + predicted);
    right += hits;
    f1Sum += f1;
    if (actual + predicted > 0) occurring++;
    return { label, images: actual, precision: ratio(hits, predicted), recall: ratio(hits, actual), f1 };
  });
  return { images, loss: ratio(totalLoss, images), accuracy: ratio(right, images), macroF1: ratio(f1Sum, occurring), classes, confusion };
}

/** What `evaluate` needs. */
export interface EvaluateOptions {
  /** An evaluation graph with input "image" and output "logits", of any batch size. */
  readonly session: Pick<Session, "view" | "runInPlace">;
  /** Labels are the network's. */
  readonly data: Dataset;
  /** Images to look at; all where absent. */
  readonly indices?: Uint32Array;
  readonly preprocessing: Preprocessing;
  /** Called with the number of images done; may throw to stop. */
  readonly onBatch?: (done: number) => void | Promise<void>;
}

/** Classifies images of known label and counts. Every image once, in the order given; the last batch may be partly empty. */
export async function evaluate(options: EvaluateOptions): Promise<Evaluation> {
  const { session, data, preprocessing, onBatch } = options;
  const { labels } = data;
  const indices = options.indices ?? Uint32Array.from({ length: data.count }, (_, index) => index);
  const confusion = labels.map(() => labels.map(() => 0));
  if (indices.length === 0) return scores(confusion, labels, 0);
  const [image, logits] = [session.view("image"), session.view("logits")];
  const loader = openLoader(data, indices, { preprocessing, batch: image.shape[0] });
  const row = new Float64Array(labels.length);
  let totalLoss = 0;
  let done = 0;
  for (let batch = 0; batch < loader.batches; batch++) {
    const filled = await loader.fill(0, batch, image);
    session.runInPlace();
    for (let n = 0; n < filled.count; n++) {
      readRow(logits, n, row);
      const truth = data.labelOf(filled.indices[n]);
      confusion[truth][argmax(row)]++;
      totalLoss += logSumExp(row) - row[truth];
    }
    done += filled.count;
    await onBatch?.(done);
  }
  return scores(confusion, labels, totalLoss);
}
