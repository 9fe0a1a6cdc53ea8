import type { Evaluation } from "../../train.ts";
import type { Palette } from "./colour.ts";
import { confusionText } from "./confusion.ts";
import { clipped, grouped, padded, percent, printable, widthOf } from "./text.ts";

const NAME_COLUMNS = 28;

/** Accuracy, the confusion matrix, and a line for each class. */
export function evaluationText(evaluation: Evaluation, palette: Palette, columns: number, what: string): string {
  const { images, accuracy, macroF1, loss, classes, confusion } = evaluation;
  const labels = classes.map(({ label }) => label);
  const name = Math.min(NAME_COLUMNS, Math.max(5, ...labels.map(widthOf)));
  const head = `${"label".padEnd(name)}  images  precision   recall       F1`;
  const rows = classes.map((each) => {
    const shares = [each.precision, each.recall, each.f1].map((share) => padded(percent(share), 9, true)).join("");
    return `${padded(clipped(printable(each.label), name), name)}  ${padded(grouped(each.images), 6, true)}  ${shares}`;
  });
  return [
    `${palette.bold(`accuracy ${percent(accuracy, 2)}`)} on ${grouped(images)} ${what}, macro-F1 ${percent(macroF1, 2)}, loss ${loss.toFixed(4)}`,
    "",
    confusionText(labels, confusion, palette, columns),
    "",
    palette.dim(head),
    ...rows,
  ].join("\n");
}
