import { availableParallelism } from "node:os";
import { buildNetwork, type Model, OptionError, openClassifier, saveModel, staticCost } from "../../index.ts";
import { atomicWrite, checkpointStore } from "../../node.ts";
import {
  type Dataset,
  duplicateWarnings,
  type Evaluation,
  evaluateModel,
  type FitResult,
  fitNetwork,
  type Parts,
  type Preprocessing,
  preprocessingFor,
  type Recipe,
  recipe,
  splitDataset,
  type TrainingEvent,
} from "../../train.ts";
import { type Context, choiceOption, given, numberOption, textOption } from "../context.ts";
import { openData } from "../data.ts";
import { defaultsFor } from "../defaults.ts";
import { interruptible } from "../interrupt.ts";
import { networkOptions, type RawOptions, threadsOption } from "../options.ts";
import { confusionSvg } from "../terminal/confusion.ts";
import { evaluationText } from "../terminal/evaluation.ts";
import { pictureLines, sideBySide } from "../terminal/picture.ts";
import { clipped, duration, grouped, percent, printable, short } from "../terminal/text.ts";

const SHOWN_IMAGES = 5;

interface Job {
  readonly data: Dataset;
  readonly parts: Parts;
  readonly preprocessing: Preprocessing;
  readonly network: string;
  readonly options: ReturnType<typeof networkOptions>;
  readonly recipe: Recipe;
  readonly seed: number;
  readonly threads: number;
  readonly out: string;
}

/** `goldcrest fit [folder]`: trains, writes the model file, says how good it is. */
export async function fitCommand(folder: string | undefined, raw: RawOptions, context: Context): Promise<void> {
  const seed = wholeNumber("seed", numberOption("seed", raw.seed) ?? 0);
  const validation = numberOption("validation", raw.validation) ?? 0.1;
  const out = textOption("out", raw.out) ?? "model.safetensors";
  const data = await openData(folder, raw, context);
  try {
    const job = planJob(data, splitDataset(data, { validation, ...given({ test: numberOption("test", raw.test) }), seed }), raw, seed, out);
    for (const warning of duplicateWarnings(data, job.parts)) context.warn(printable(warning));
    announce(job, context);
    await run(job, raw, context);
  } finally {
    await data.close();
  }
}

function wholeNumber(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) throw new OptionError(`--${name} is ${value}; it needs a whole number of 0 or more`);
  return value;
}

function planJob(data: Dataset, parts: Parts, raw: RawOptions, seed: number, out: string): Job {
  const asked = networkOptions(raw);
  const size = numberOption("size", raw.size);
  const defaults = defaultsFor(data, size, textOption("network", raw.network));
  const fit = choiceOption("fit", raw.fit, ["crop", "squash"]) ?? "crop";
  const preprocessing = preprocessingFor({ size: size ?? defaults.size, channels: data.channels, fit });
  const changes = given({
    epochs: numberOption("epochs", raw.epochs),
    batch: numberOption("batch", raw.batch),
    accumulate: numberOption("accumulate", raw.accumulate),
    learningRate: numberOption("lr", raw.lr),
    classWeights: choiceOption("class-weights", raw.classWeights, ["none", "balanced"]),
  });
  return {
    data,
    parts,
    preprocessing,
    network: defaults.network,
    options: { ...defaults.options, ...asked },
    recipe: recipe(textOption("recipe", raw.recipe) ?? defaults.recipe, changes),
    seed,
    threads: threadsOption(raw, availableParallelism()),
    out,
  };
}

function costOf({ network, options, data, preprocessing }: Job): { params: number; macs: number } {
  const { size, channels } = preprocessing;
  return staticCost(buildNetwork(network, { ...options, classes: data.labels.length, size, channels }));
}

function announce(job: Job, context: Context): void {
  const { network, options, preprocessing, recipe: rules, parts, threads } = job;
  const { params, macs } = costOf(job);
  const width = options.width === undefined ? "" : ` ×${options.width}`;
  const { size, channels } = preprocessing;
  context.note(`${network}${width} for ${size}×${size}×${channels}: ${grouped(params)} parameters, ${short(macs)}MACs an image`);
  const counts = [`${grouped(parts.train.length)} train`, `${grouped(parts.validation.length)} choose the epoch`];
  if (parts.test.length > 0) counts.push(`${grouped(parts.test.length)} are kept for the end`);
  context.note(`${counts.join(", ")}; ${rules.epochs} epochs, batch ${rules.batch}, ${threads} thread${threads === 1 ? "" : "s"}`);
}

async function run(job: Job, raw: RawOptions, context: Context): Promise<void> {
  const { network, options, data, parts, preprocessing, recipe: rules, seed, threads, out } = job;
  const { params, macs } = costOf(job);
  using stop = interruptible(() => context.note("stopping after this step (Ctrl-C again to stop at once)"));
  let shownEpochs = 0;
  const { model, result } = await fitNetwork({
    ...{ network, options, data, parts, preprocessing, recipe: rules, seed, threads },
    provenance: { params, macs },
    store: checkpointStore(out),
    isResumed: raw.resume === true,
    signal: stop.signal,
    onNotice: (sentence) => context.note(printable(sentence)),
    onProgress: (event) => {
      shownEpochs = showEpochs(event, shownEpochs, context);
      context.progress.update(event.step / event.steps, progressWords(event));
    },
    save: async (finished, { epochs }) => {
      showEpochs({ history: epochs, epochs: rules.epochs }, shownEpochs, context);
      await atomicWrite(out, await saveModel(finished));
    },
  });
  const isTested = result.test !== undefined;
  const evaluation = result.test ?? (await evaluateModel(model, data, { indices: held(parts), threads }));
  const picture = `${out.replace(/\.safetensors$/, "")}.confusion.svg`;
  const title = `${network} on ${data.name}: ${percent(evaluation.accuracy, 2)}`;
  await atomicWrite(picture, confusionSvg(model.labels, evaluation.confusion, title));
  if (context.isJson) {
    context.print(JSON.stringify(jsonResult(model, result, evaluation, { params, macs, out })));
    return;
  }
  const what = isTested ? "test images, read once" : parts.validation.length > 0 ? "validation images" : "training images";
  context.print(`\n${evaluationText(evaluation, context.out, what)}\n`);
  context.print(await showImages(model, job, context));
  const speed = `${duration(result.seconds)}, ${grouped(result.imagesPerSecond)} images/s`;
  context.print(
    `\n${context.out.good("✓")} ${out} (${short(await sizeOf(model))}B): ${grouped(params)} parameters, epoch ${result.best.epoch} of ${result.epochs.length}, ${speed}`,
  );
  context.print(`  confusion matrix as a picture: ${picture}`);
  context.print(`  next: goldcrest classify ${out} image.jpg`);
}

function held({ test, validation, train }: Parts): Uint32Array {
  if (test.length > 0) return test;
  return validation.length > 0 ? validation : train;
}

async function sizeOf(model: Model): Promise<number> {
  return (await saveModel(model)).length;
}

function progressWords({ phase, epoch, epochs, loss, accuracy, imagesPerSecond, secondsLeft }: TrainingEvent): string {
  if (phase === "validation") return `epoch ${epoch}/${epochs}  validating`;
  const speed = `${grouped(imagesPerSecond)} images/s`;
  return `epoch ${epoch}/${epochs}  loss ${loss.toFixed(3)}  ${percent(accuracy)}  ${speed}  ${duration(secondsLeft)} left`;
}

/** One line for each epoch that has ended since the last call. */
function showEpochs({ history, epochs }: Pick<TrainingEvent, "history" | "epochs">, shown: number, context: Context): number {
  for (const { epoch, loss, accuracy, validation } of history.slice(shown)) {
    const checked = validation ? `  validation ${percent(validation.accuracy, 2)} (loss ${validation.loss.toFixed(4)})` : "";
    context.note(
      `epoch ${String(epoch).padStart(String(epochs).length)}/${epochs}  loss ${loss.toFixed(4)}  train ${percent(accuracy)}${checked}`,
    );
  }
  return history.length;
}

function jsonResult(
  model: Model,
  result: FitResult,
  evaluation: Evaluation,
  more: { params: number; macs: number; out: string },
): Record<string, unknown> {
  const { accuracy, macroF1 } = evaluation;
  const { params, macs, out } = more;
  const round = (x: number, digits: number): number => Number(x.toFixed(digits));
  return {
    accuracy,
    network: model.network,
    params,
    macs,
    epochs: result.epochs.length,
    seconds: round(result.seconds, 2),
    imagesPerSecond: round(result.imagesPerSecond, 1),
    model: out,
    macroF1,
    best: result.best,
    confusion: evaluation.confusion,
    labels: model.labels,
  };
}

/** A few held-back images, spread over the part, with what the model says of them. */
async function showImages(model: Model, { data, parts }: Job, context: Context): Promise<string> {
  const indices = held(parts);
  const count = Math.min(SHOWN_IMAGES, indices.length);
  using classifier = await openClassifier(model);
  const { size, channels } = model.preprocessing;
  const blocks = [];
  const width = Math.min(28, size, Math.floor(((process.stdout.columns ?? 160) - 3 * (SHOWN_IMAGES - 1)) / SHOWN_IMAGES));
  for (let i = 0; i < count; i++) {
    const index = indices[Math.floor(((i + 0.5) * indices.length) / count)];
    const pixels = await data.pixels(index, model.preprocessing);
    const [best] = classifier.classify(pixels, 1);
    const truth = data.labels[data.labelOf(index)];
    const isRight = best.label === truth;
    const verdict = `${isRight ? "✓" : "✗"} ${printable(best.label)} ${percent(best.probability, 0)}`;
    const captions = [clipped(verdict, width), clipped(isRight ? "" : `is ${printable(truth)}`, width)];
    blocks.push({
      lines: pictureLines({ width: size, height: size, channels: channels as 1 | 3, data: pixels }, context.out, width),
      width,
      captions,
    });
  }
  return sideBySide(blocks);
}
