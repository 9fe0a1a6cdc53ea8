import { stat } from "node:fs/promises";
import { FileError, OptionError } from "../index.ts";
import { isMnistFolder, openFashionMnist, openFolder, openMnistFolder } from "../node.ts";
import type { Dataset } from "../train.ts";
import type { Context } from "./context.ts";
import { hasFlag, type RawOptions, textOption } from "./options.ts";
import { grouped, printable } from "./terminal/text.ts";

const SHOWN = 10;

/** An image that was left out, and why. */
export type Problem = Dataset["problems"][number];

/** Opens what `fit` and `evaluate` are pointed at: a folder of at least `minLabels` labels, the four files of an MNIST set, or Fashion-MNIST. */
export async function openData(folder: string | undefined, raw: RawOptions, context: Context, minLabels = 2): Promise<Dataset> {
  const where = textOption(raw, "data");
  if (folder !== undefined && where !== undefined && where !== folder)
    throw new OptionError(`found two data sets, ${JSON.stringify(folder)} and --data ${where}; give one`);
  const data = await openPlace(folder ?? where, raw, context, minLabels);
  tellOf(data, context);
  return data;
}

async function openPlace(place: string | undefined, raw: RawOptions, context: Context, minLabels: number): Promise<Dataset> {
  if (place === undefined || place === "embedded") return openFashionMnist({ part: place === undefined ? "auto" : "embedded" });
  const isFolder = await stat(place).then(
    (found) => found.isDirectory(),
    () => undefined,
  );
  if (place === "fashion-mnist" && isFolder === undefined) return openFashionMnist({ part: "full" });
  if (isFolder === undefined)
    throw new FileError(
      `${place}: there is no such folder\n  it needs one sub-folder of images for each label, or the four files of an MNIST set`,
    );
  if (!isFolder) throw new FileError(`${place}: a file; needed is a folder with one sub-folder of images for each label`);
  if (await isMnistFolder(place)) return openMnistFolder(place);
  return openFolder(place, {
    isStrict: hasFlag(raw, "strict"),
    minLabels,
    onProgress: (done, total) =>
      context.progress.update(total ? done / total : 0, `checking ${printable(place)}: ${grouped(done)} of ${grouped(total)} images`),
  });
}

function tellOf(data: Dataset, context: Context): void {
  context.progress.clear();
  const { name, labels, count, problems, warnings } = data;
  context.note(`${printable(name)}: ${grouped(count)} images, ${labels.length} labels`);
  for (const warning of warnings) context.warn(printable(warning.replace("class weights can help", "--class-weights balanced can help")));
  tellProblems(problems, context);
}

/** Lists images that were left out, by name. */
export function tellProblems(problems: readonly Problem[], context: Context): void {
  if (problems.length === 0) return;
  context.warn(`${problems.length} image${problems.length === 1 ? " was" : "s were"} left out:`);
  for (const { name, reason } of problems.slice(0, SHOWN)) context.note(`  ${printable(name)}: ${printable(reason)}`);
  if (problems.length > SHOWN) context.note(`  … and ${problems.length - SHOWN} more`);
}
