import type { Evaluation } from "../../train.ts";
import type { Palette } from "./colour.ts";
import { confusionText } from "./confusion.ts";
import { grouped, padded, percent, printable, widthOf } from "./text.ts";

/** Accuracy, the confusion matrix, and a line for each class. */
export function evaluationText(evaluation: Evaluation, palette: Palette, what: string): string {
  const { images, accuracy, macroF1, loss, classes, confusion } = evaluation;
  const labels = classes.map(({ label }) => label);
  const name = Math.min(24, Math.max(5, ...labels.map(widthOf)));
  const head = `${"label".padEnd(name)}  images  precision   recall       F1`;
  const rows = classes.map((each) => {
    const shares = [each.precision, each.recall, each.f1].map((share) => padded(percent(share), 9, true)).join("");
    return `${padded(printable(each.label), name)}  ${padded(grouped(each.images), 6, true)}  ${shares}`;
  });
  return [
    `${palette.bold(`accuracy ${percent(accuracy, 2)}`)} on ${grouped(images)} ${what}, macro-F1 ${percent(macroF1, 2)}, loss ${loss.toFixed(4)}`,
    "",
    confusionText(labels, confusion, palette),
    "",
    palette.dim(head),
    ...rows,
  ].join("\n");
}
