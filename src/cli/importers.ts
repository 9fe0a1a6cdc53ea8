import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { Model } from "../index.ts";
import { fromPytorch, importWeightFile, misfit, pytorchPlace, readLabels, type TensorRow } from "../node.ts";
import type { Context } from "./context.ts";
import { given, hasFlag, numberOption, type RawOptions, textOption, wholeOption } from "./options.ts";
import { clipped, grouped, printable, table } from "./terminal/text.ts";

/** Tensors shown that do not fit, and columns for a name. */
const SHOWN = 30;
const MOST_COLUMNS = 64;

/** What was read, and an account of it. */
export interface Imported {
  /** Absent where something does not fit. */
  readonly model?: Model;
  /** Why there is none. */
  readonly refusal?: string;
  /** The account for people. */
  readonly lines: readonly string[];
  /** Where the model goes unless told. */
  readonly out: string;
  /** The same for machines. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** A kind of file or folder that `goldcrest import` reads. */
export interface Importer {
  /** What it is, in words. */
  readonly what: string;
  /** The place to read where a path is of this kind; else undefined. */
  find(path: string): Promise<string | undefined>;
  read(place: string, raw: RawOptions, context: Context): Promise<Imported>;
}

/** Every kind; the first that fits is taken. */
export const importers: readonly Importer[] = [
  { what: "a folder that goldcrest export --to pytorch wrote, or its weights.safetensors", find: pytorchPlace, read: readFolder },
  {
    what: "a file of weights: safetensors, a PyTorch checkpoint (.pth, .pt) or a NumPy archive (.npz)",
    // What the file is, its contents say; the last kind takes every file and says what is wrong with it.
    find: async (path) => ((await stat(path).catch(() => undefined))?.isDirectory() ? undefined : path),
    read: readWeights,
  },
];

async function readFolder(folder: string): Promise<Imported> {
  const { model, difference, by } = await fromPytorch(folder);
  const proof = `the logits of ${by} on the golden images, within ${difference.toPrecision(2)} of the largest`;
  return {
    model,
    lines: [`network  ${model.network}`, `proof    ${printable(proof)}`],
    out: `${resolve(folder)}.safetensors`,
    facts: { by, difference },
  };
}

async function readWeights(path: string, raw: RawOptions, context: Context): Promise<Imported> {
  const [labelFile, size] = [textOption(raw, "labels"), wholeOption(raw, "size", 1)];
  const labels = labelFile === undefined ? undefined : await readLabels(labelFile);
  const asked = given({ network: textOption(raw, "as"), from: textOption(raw, "from"), variant: textOption(raw, "variant") });
  const numbers = given({ width: numberOption(raw, "width"), classes: wholeOption(raw, "classes", 1), seed: wholeOption(raw, "seed", 0) });
  const options = { ...asked, ...numbers, ...given({ labels }), isPartial: hasFlag(raw, "allow-partial") };
  context.progress.update(0, "reading");
  const found = await importWeightFile(path, { ...options, ...(size === undefined ? {} : { pixels: { size } }) });
  context.progress.clear();
  const { model, rows, network, from, format, classesInFile } = found;
  const wrong = rows.filter(isMisfit);
  const refusal = `${wrong.length} of ${rows.length} tensors do not fit ${network} of ${from}, the first ${wrong.length > 0 ? misfit(wrong[0]) : ""}\n  --allow-partial takes the others and starts these anew; --as, --from, --width and --variant say which network it is`;
  return {
    ...(model ? { model } : { refusal: `${path}: ${refusal}` }),
    out: `${network}.safetensors`,
    lines: account(found, hasFlag(raw, "all"), context),
    facts: { from, format, classesInFile: classesInFile ?? null, counts: countsOf(rows), tensors: rows },
  };
}

const isMisfit = ({ fate }: TensorRow): boolean => fate !== "matched" && fate !== "new";

function countsOf(rows: readonly TensorRow[]): Readonly<Record<string, number>> {
  const counts = { matched: 0, new: 0, missing: 0, unexpected: 0, misshapen: 0 };
  for (const { fate } of rows) counts[fate]++;
  return counts;
}

function account(
  { rows, network, from, options }: Awaited<ReturnType<typeof importWeightFile>>,
  isWhole: boolean,
  { out }: Context,
): string[] {
  const made = Object.entries(options).map(([name, value]) => `${name} ${value}`);
  const counts = Object.entries(countsOf(rows)).filter(([fate, count]) => count > 0 || fate === "matched");
  const shape = (extents: readonly number[] | undefined): string => (extents ? extents.join("×") || "scalar" : "–");
  const shown = rows.filter(({ fate }) => isWhole || fate !== "matched");
  const first = isWhole ? shown : shown.slice(0, SHOWN);
  const cells = first.map(({ name, fate, found, needed }) => [clipped(printable(name), MOST_COLUMNS), fate, shape(found), shape(needed)]);
  const more = shown.length > first.length ? [`… and ${grouped(shown.length - first.length)} more (--all or --json shows them)`] : [];
  return [
    `network  ${out.bold(network)}${made.length > 0 ? ` (${made.join(", ")})` : ""}, as ${from} has it`,
    `tensors  ${counts.map(([fate, count]) => `${grouped(count)} ${fate}`).join(", ")}`,
    ...(cells.length > 0 ? ["", table(["tensor", "", "in the file", "needed"], cells), ...more] : []),
  ];
}
