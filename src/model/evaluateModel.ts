import { wasmBackend } from "../backends/wasm/index.ts";
import { DataError } from "../core/errors.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Backend, OpenOptions, Session } from "../engine/session.ts";
import { type Evaluation, evaluate } from "../train/evaluate.ts";
import type { Model } from "./model.ts";
import { runnable } from "./runnable.ts";

/** How a model is evaluated. */
export interface EvaluateModelOptions extends OpenOptions {
  /** Images to look at; all where absent. */
  readonly indices?: Uint32Array;
  /** Images a run. Default 32. */
  readonly batch?: number;
  readonly backend?: Backend;
  /** What runs the model instead of a session that is opened for it: a compiled file, opened. */
  readonly runner?: Pick<Session, "view" | "runInPlace">;
  readonly onBatch?: (done: number) => void | Promise<void>;
}

/** For each label of the data set its place among the model's labels; names are compared after NFC. */
function placeLabels(model: Model, data: Dataset): number[] {
  const places = new Map(model.labels.map((label, place) => [label.normalize("NFC"), place]));
  return data.labels.map((label) => {
    const place = places.get(label.normalize("NFC"));
    if (place !== undefined) return place;
    throw new DataError(
      `${data.name}: the label ${JSON.stringify(label)} is unknown to the model; it knows ${model.labels.map((known) => JSON.stringify(known)).join(", ")}`,
    );
  });
}

/** The same images with the model's labels; a label that the model does not know is refused. */
export function inLabelsOf(model: Model, data: Dataset): Dataset {
  const places = placeLabels(model, data);
  return { ...data, labels: model.labels, labelOf: (index) => places[data.labelOf(index)] };
}

/** Classifies images of known label with a model and counts. */
export async function evaluateModel(model: Model, data: Dataset, options: EvaluateModelOptions = {}): Promise<Evaluation> {
  const { backend = wasmBackend, indices, batch = 32, onBatch, runner, ...open } = options;
  const common = { data: inLabelsOf(model, data), indices, preprocessing: model.preprocessing, onBatch };
  if (runner) return evaluate({ ...common, session: runner });
  const { graph, weights } = runnable(model, batch);
  using session = await backend.open(graph, weights, open);
  // Awaited here, since the session lives as long as this function.
  return await evaluate({ ...common, session });
}
