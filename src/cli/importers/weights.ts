import { stat } from "node:fs/promises";
import { OptionError } from "../../index.ts";
import { type ImportedFile, type ImportOptions, importWeightFile, isWeightFile, misfit, readLabels, type TensorRow } from "../../node.ts";
import type { Context } from "../context.ts";
import { given, hasFlag, numberOption, type RawOptions, textOption, wholeOption } from "../options.ts";
import { clipped, grouped, printable, table } from "../terminal/text.ts";
import { type Imported, type Importer, preprocessingOf } from "./importer.ts";
import { isLikeOnnx } from "./onnx.ts";

/** Tensors shown that do not fit, and columns for a name. */
const SHOWN = 30;
const MOST_COLUMNS = 64;

/** Weights by other programs. Whatever is no other kind comes here, too: its reader says what is wrong with it. */
export const weights: Importer = {
  what: "a file of weights: safetensors, a PyTorch checkpoint (.pth, .pt) or a NumPy archive (.npz)",
  async find(path) {
    if ((await stat(path).catch(() => undefined))?.isDirectory()) return undefined;
    return (await isWeightFile(path)) || !(await isLikeOnnx(path)) ? path : undefined;
  },
  read,
};

async function optionsOf(raw: RawOptions): Promise<ImportOptions> {
  const labels = textOption(raw, "labels");
  const asked = given({ network: textOption(raw, "as"), from: textOption(raw, "from"), variant: textOption(raw, "variant") });
  const numbers = given({ width: numberOption(raw, "width"), classes: wholeOption(raw, "classes", 1), seed: wholeOption(raw, "seed", 0) });
  const { mean, std } = preprocessingOf(raw);
  const pixels = given({ size: wholeOption(raw, "size", 1), mean, std });
  const names = labels === undefined ? {} : { labels: await readLabels(labels) };
  return { ...asked, ...numbers, ...names, pixels, isPartial: hasFlag(raw, "allow-partial") };
}

async function read(path: string, raw: RawOptions, context: Context): Promise<Imported> {
  if (raw.output !== undefined) throw new OptionError("--output is for ONNX models; weights have no outputs");
  const { fit } = preprocessingOf(raw);
  const options = await optionsOf(raw);
  context.progress.update(0, "reading");
  const found = await importWeightFile(path, options);
  context.progress.clear();
  const { model, rows, from, format, classesInFile } = found;
  const facts = { from, options: found.options, format, classesInFile: classesInFile ?? null, counts: countsOf(rows), tensors: rows };
  const lines = tableOf(rows, hasFlag(raw, "all"));
  if (!model) return { proof: `${path}: ${refusalOf(found)}`, lines, facts };
  const { share: _, ...whole } = model.preprocessing;
  const fitted = fit === "squash" ? { ...model, preprocessing: { ...whole, fit } } : model;
  return { model: fitted, proof: proofOf(found), lines, facts };
}

function refusalOf({ rows, network, from }: ImportedFile): string {
  const wrong = rows.filter(isMisfit);
  return `${wrong.length} of ${rows.length} tensors do not fit ${network} of ${from}, the first ${misfit(wrong[0])}\n  --allow-partial takes the others and starts these anew; --as, --from, --width and --variant say which network it is`;
}

function proofOf({ rows, options, from }: ImportedFile): string {
  const made = Object.entries(options).map(([name, value]) => `${name} ${value}`);
  const counts = Object.entries(countsOf(rows)).filter(([fate, count]) => count > 0 || fate === "matched");
  return `as ${from} has it${made.length > 0 ? ` (${made.join(", ")})` : ""}; tensors: ${counts.map(([fate, count]) => `${grouped(count)} ${fate}`).join(", ")}`;
}

const isMisfit = ({ fate }: TensorRow): boolean => fate !== "matched" && fate !== "new";

function countsOf(rows: readonly TensorRow[]): Readonly<Record<string, number>> {
  const counts = { matched: 0, new: 0, missing: 0, unexpected: 0, misshapen: 0 };
  for (const { fate } of rows) counts[fate]++;
  return counts;
}

function tableOf(rows: readonly TensorRow[], isWhole: boolean): readonly string[] {
  const shape = (extents: readonly number[] | undefined): string => (extents ? extents.join("×") || "scalar" : "–");
  const shown = rows.filter(({ fate }) => isWhole || fate !== "matched");
  if (shown.length === 0) return [];
  const first = isWhole ? shown : shown.slice(0, SHOWN);
  const cells = first.map(({ name, fate, found, needed }) => [clipped(printable(name), MOST_COLUMNS), fate, shape(found), shape(needed)]);
  const more = shown.length > first.length ? [`… and ${grouped(shown.length - first.length)} more (--all or --json shows them)`] : [];
  return [table(["tensor", "", "in the file", "needed"], cells), ...more, ""];
}
