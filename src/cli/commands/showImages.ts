import { type Model, openClassifier } from "../../index.ts";
import type { Dataset } from "../../train.ts";
import type { Context } from "../context.ts";
import { pictureLines, sideBySide } from "../terminal/picture.ts";
import { clipped, percent, printable } from "../terminal/text.ts";

const SHOWN = 5;
const GAP = 3;
/** Columns of one picture; a caption of a label and a share needs the least. */
const MOST_COLUMNS = 28;
const LEAST_COLUMNS = 12;

/** A few images, spread over those given, as pictures with what the model says of them. */
export async function showImages(
  model: Model,
  data: Dataset,
  indices: Uint32Array,
  threads: number,
  { out, columns }: Pick<Context, "out" | "columns">,
): Promise<string> {
  const fitting = Math.max(1, Math.floor((columns + GAP) / (LEAST_COLUMNS + GAP)));
  const count = Math.min(SHOWN, fitting, indices.length);
  using classifier = await openClassifier(model, { threads });
  const { size, channels } = model.preprocessing;
  const width = Math.max(LEAST_COLUMNS, Math.min(MOST_COLUMNS, Math.floor((columns + GAP) / count) - GAP));
  const blocks = [];
  for (let i = 0; i < count; i++) {
    const index = indices[Math.floor(((i + 0.5) * indices.length) / count)];
    const pixels = await data.pixels(index, model.preprocessing);
    const [{ label, probability }] = classifier.classify(pixels, 1);
    const truth = data.labels[data.labelOf(index)];
    const isRight = label === truth;
    const verdict = clipped(`${isRight ? "✓" : "✗"} ${printable(label)} ${percent(probability, 0)}`, width);
    const captions = [isRight ? out.good(verdict) : out.bad(verdict), isRight ? "" : clipped(`  is ${printable(truth)}`, width)];
    blocks.push({
      lines: pictureLines({ width: size, height: size, channels: channels as 1 | 3, data: pixels }, out, width),
      width,
      captions,
    });
  }
  return sideBySide(blocks, GAP);
}
