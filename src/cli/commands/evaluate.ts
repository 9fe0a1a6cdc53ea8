import { availableParallelism } from "node:os";
import { loadModel, type Model, OptionError } from "../../index.ts";
import { atomicWrite, readFileBytes } from "../../node.ts";
import { type Dataset, evaluateModel, splitDataset } from "../../train.ts";
import type { Context } from "../context.ts";
import { openData } from "../data.ts";
import { choiceOption, type RawOptions, textOption, threadsOption } from "../options.ts";
import { confusionSvg } from "../terminal/confusion.ts";
import { evaluationText } from "../terminal/evaluation.ts";
import { grouped, percent, printable } from "../terminal/text.ts";

const parts = ["test", "validation", "train", "all"] as const;

/** `goldcrest evaluate MODEL [folder]`: accuracy, macro-F1, per-class precision and recall, confusion matrix. */
export async function evaluateCommand(path: string, folder: string | undefined, raw: RawOptions, context: Context): Promise<void> {
  const [part, picture, threads] = [
    choiceOption(raw, "part", parts),
    textOption(raw, "picture"),
    threadsOption(raw, availableParallelism()),
  ];
  const model = await loadModel(await readFileBytes(path), path);
  const data = await openData(folder, raw, context, 1);
  try {
    const indices = partOf(data, part, model);
    const evaluation = await evaluateModel(model, data, {
      indices,
      threads,
      onBatch: (done) => context.progress.update(done / indices.length, `${grouped(done)} of ${grouped(indices.length)} images`),
    });
    context.print(context.isJson ? JSON.stringify(evaluation) : evaluationText(evaluation, context.out, context.columns, "images"));
    if (picture === undefined) return;
    const title = `${path} on ${data.name}: ${percent(evaluation.accuracy, 2)}`;
    await atomicWrite(picture, confusionSvg(model.labels, evaluation.confusion, title));
    context.note(`the confusion matrix as a picture: ${printable(picture)}`);
  } finally {
    await data.close();
  }
}

/** The shares and the seed that `fit` divided its data with, as the model file records them. */
export function divisionOf({ provenance }: Model): { readonly validation?: number; readonly test?: number; readonly seed?: number } {
  const { shares, seed } = provenance as { shares?: { validation?: number; test?: number }; seed?: number };
  return { ...shares, ...(seed === undefined ? {} : { seed }) };
}

/** The images of a part of the data, by default of its test part where it has one, else all. */
export function partOf(data: Dataset, part: (typeof parts)[number] | undefined, model: Model): Uint32Array {
  const all = Uint32Array.from({ length: data.count }, (_, index) => index);
  if (part === "all" || (part === undefined && !data.fixedParts?.test)) return all;
  const indices = splitDataset(data, divisionOf(model))[part ?? "test"];
  if (indices.length === 0) throw new OptionError(`${data.name} has no ${part} part; use --part all`);
  return indices;
}
