import { availableParallelism } from "node:os";
import { loadModel, OptionError } from "../../index.ts";
import { atomicWrite, readFileBytes } from "../../node.ts";
import { type Dataset, evaluateModel, splitDataset } from "../../train.ts";
import { type Context, choiceOption, textOption } from "../context.ts";
import { openData } from "../data.ts";
import { type RawOptions, threadsOption } from "../options.ts";
import { confusionSvg } from "../terminal/confusion.ts";
import { evaluationText } from "../terminal/evaluation.ts";
import { grouped, percent } from "../terminal/text.ts";

const parts = ["test", "validation", "train", "all"] as const;

/** `goldcrest evaluate MODEL [folder]`: accuracy, macro-F1, per-class precision and recall, confusion matrix. */
export async function evaluateCommand(path: string, folder: string | undefined, raw: RawOptions, context: Context): Promise<void> {
  const model = await loadModel(await readFileBytes(String(path)), String(path));
  const picture = textOption("picture", raw.picture);
  const part = choiceOption("part", raw.part, parts);
  const data = await openData(folder, raw, context, 1);
  try {
    const indices = choose(data, part);
    const evaluation = await evaluateModel(model, data, {
      indices,
      threads: threadsOption(raw, availableParallelism()),
      onBatch: (done) => context.progress.update(done / indices.length, `${grouped(done)} of ${grouped(indices.length)} images`),
    });
    context.progress.clear();
    if (picture)
      await atomicWrite(
        picture,
        confusionSvg(model.labels, evaluation.confusion, `${path} on ${data.name}: ${percent(evaluation.accuracy, 2)}`),
      );
    context.print(context.isJson ? JSON.stringify(evaluation) : evaluationText(evaluation, context.out, "images"));
  } finally {
    await data.close();
  }
}

function choose(data: Dataset, part: (typeof parts)[number] | undefined): Uint32Array {
  const all = Uint32Array.from({ length: data.count }, (_, index) => index);
  const fixed = data.fixedParts;
  if (part === "all" || (part === undefined && !fixed?.test)) return all;
  if (part === undefined || part === "test") {
    if (fixed?.test) return fixed.test;
    throw new OptionError(`${data.name} has no test part; use --part all`);
  }
  return splitDataset(data)[part];
}
