import { availableParallelism } from "node:os";
import { DataError, loadModel, OptionError, openClassifier } from "../../index.ts";
import { listImages, openDecoder, readFileBytes } from "../../node.ts";
import { type Context, numberOption } from "../context.ts";
import { tellProblems } from "../data.ts";
import { type RawOptions, threadsOption } from "../options.ts";
import { padded, percent, printable } from "../terminal/text.ts";

/** `goldcrest classify MODEL image…`: the most probable labels of each image. */
export async function classifyCommand(path: string, images: readonly string[], raw: RawOptions, context: Context): Promise<void> {
  const top = numberOption("top", raw.top) ?? 5;
  if (!Number.isSafeInteger(top) || top < 1) throw new OptionError(`--top is ${top}; it needs a whole number of 1 or more`);
  if (images.length === 0) throw new OptionError("no images; name at least one file: goldcrest classify model.safetensors photo.jpg");
  const model = await loadModel(await readFileBytes(String(path)), String(path));
  const files = (await Promise.all(images.map((image) => listImages(String(image))))).flat();
  using classifier = await openClassifier(model, { threads: threadsOption(raw, Math.min(2, availableParallelism())) });
  const decode = openDecoder();
  const results = [];
  const problems = [];
  for (const [i, file] of files.entries()) {
    context.progress.update(i / files.length, printable(file));
    try {
      const choices = classifier.classify(await decode(file, model.preprocessing), top);
      const [{ label, probability }] = choices;
      results.push({ file, label, probability, top: choices });
    } catch (error) {
      if (!(error instanceof DataError) || raw.strict === true) throw error;
      problems.push({ name: file, reason: error.message.replace(`${file}: `, "") });
    }
  }
  context.progress.clear();
  tellProblems(problems, context);
  if (context.isJson) context.print(JSON.stringify(results));
  else for (const result of results) context.print(lines(result, context));
  if (results.length === 0) throw new DataError(`none of the ${files.length} files could be classified`);
  if (problems.length > 0) process.exitCode = 3;
}

function lines({ file, top }: { file: string; top: readonly { label: string; probability: number }[] }, { out }: Context): string {
  const width = Math.min(32, Math.max(...top.map(({ label }) => printable(label).length)));
  const rows = top.map(({ label, probability }, i) => {
    const bar = "█".repeat(Math.round(probability * 20));
    const text = `  ${padded(printable(label), width)}  ${padded(percent(probability), 7, true)}  ${bar}`;
    return i === 0 ? out.good(text) : out.dim(text);
  });
  return [out.bold(printable(file)), ...rows].join("\n");
}
