import { availableParallelism } from "node:os";
import { DataError, FileError, loadModel, openClassifier } from "../../index.ts";
import { listImages, openDecoder, readFileBytes } from "../../node.ts";
import type { Context } from "../context.ts";
import { type Problem, tellProblems } from "../data.ts";
import { hasFlag, type RawOptions, threadsOption, wholeOption } from "../options.ts";
import { clipped, padded, percent, printable, widthOf } from "../terminal/text.ts";

/** Label columns; longer ones are cut. */
const MOST_COLUMNS = 32;
const BAR = 20;

/** `goldcrest classify MODEL image…`: the most probable labels of each image. */
export async function classifyCommand(path: string, images: readonly string[], raw: RawOptions, context: Context): Promise<void> {
  const top = wholeOption(raw, "top", 1) ?? 1;
  const threads = threadsOption(raw, Math.min(2, availableParallelism()));
  const isStrict = hasFlag(raw, "strict");
  const model = await loadModel(await readFileBytes(path), path);
  const problems: Problem[] = [];
  const files = await findFiles(images, isStrict, problems);
  using classifier = await openClassifier(model, { threads });
  const decode = openDecoder();
  const results = [];
  for (const [i, file] of files.entries()) {
    context.progress.update(i / files.length, printable(file));
    try {
      const choices = classifier.classify(await decode(file, model.preprocessing), top);
      const [{ label, probability }] = choices;
      results.push({ file, label, probability, top: choices });
    } catch (error) {
      if (!(error instanceof DataError) || isStrict) throw error;
      problems.push({ name: file, reason: error.message.replace(`${file}: `, "") });
    }
  }
  context.progress.clear();
  tellProblems(problems, context);
  if (context.isJson) context.print(JSON.stringify(results));
  else for (const result of results) context.print(lines(result, context));
  if (results.length === 0)
    throw new DataError(`no image could be classified; needed is at least one JPEG, PNG or WebP file that can be read`);
  if (problems.length > 0) process.exitCode = 3;
}

/** The files named, and those in the folders named; a name that leads nowhere is left out like an unreadable image. */
async function findFiles(images: readonly string[], isStrict: boolean, problems: Problem[]): Promise<readonly string[]> {
  const files: string[] = [];
  for (const image of images) {
    try {
      const found = await listImages(image);
      if (found.length === 0) problems.push({ name: image, reason: "a folder without images" });
      files.push(...found);
    } catch (error) {
      if (!(error instanceof FileError) || isStrict) throw error;
      problems.push({ name: image, reason: error.message.replace(`${image}: `, "") });
    }
  }
  return files;
}

function lines({ file, top }: { file: string; top: readonly { label: string; probability: number }[] }, { out }: Context): string {
  const width = Math.min(MOST_COLUMNS, Math.max(...top.map(({ label }) => widthOf(printable(label)))));
  const rows = top.map(({ label, probability }, i) => {
    const bar = "█".repeat(Math.round(probability * BAR));
    const text = `  ${padded(clipped(printable(label), width), width)}  ${padded(percent(probability), 7, true)}  ${bar}`;
    return i === 0 ? out.good(text) : out.dim(text);
  });
  return [out.bold(printable(file)), ...rows].join("\n");
}
