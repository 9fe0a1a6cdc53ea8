import { stat } from "node:fs/promises";
import { type Model, saveModel } from "../../index.ts";
import { atomicWrite, checkpointStore } from "../../node.ts";
import { duplicateWarnings, type Evaluation, evaluateModel, type FitResult, fitNetwork, type Parts } from "../../train.ts";
import type { Context } from "../context.ts";
import { openData } from "../data.ts";
import { interruptible } from "../interrupt.ts";
import { hasFlag, type RawOptions } from "../options.ts";
import { confusionSvg } from "../terminal/confusion.ts";
import { evaluationText } from "../terminal/evaluation.ts";
import { duration, grouped, percent, printable, short } from "../terminal/text.ts";
import { costOf, type Job, planJob, readAsked } from "./fitPlan.ts";
import { openStageWords, type StageWords } from "./fitStages.ts";
import { heldBack, progressWords, proveWritable, showEpochs } from "./fitWords.ts";
import { showImages } from "./showImages.ts";

/** What a finished training leaves to be told. */
interface Finished {
  readonly job: Job;
  readonly model: Model;
  readonly result: FitResult;
  readonly evaluation: Evaluation;
  readonly stages: StageWords;
  /** Of the model file. */
  readonly bytes: number;
}

/** `goldcrest fit [folder]`: trains, writes the model file, says how good it is. */
export async function fitCommand(folder: string | undefined, raw: RawOptions, context: Context): Promise<void> {
  const asked = readAsked(raw);
  await proveWritable(asked.out);
  const data = await openData(folder, raw, context);
  try {
    const job = planJob(data, asked);
    const stages = openStageWords(job.stages);
    await announce(job, stages, hasFlag(raw, "resume"), context);
    const finished = await train(job, stages, hasFlag(raw, "resume"), context);
    await report(finished, context);
  } finally {
    await data.close();
  }
}

async function announce(job: Job, stages: StageWords, isResumed: boolean, context: Context): Promise<void> {
  const { network, options, preprocessing, recipe: rules, parts, threads, out, data } = job;
  const { params, macs } = costOf(job);
  const width = options.width === undefined ? "" : ` ×${options.width}`;
  const { size, channels } = preprocessing;
  const arithmetic = options.arithmetic === undefined ? "" : `, arithmetic ${options.arithmetic},`;
  context.note(
    `${network}${width}${arithmetic} for ${size}×${size}×${channels}: ${grouped(params)} parameters, ${short(macs)}MACs an image`,
  );
  const counts = [`${grouped(parts.train.length)} train`];
  if (parts.validation.length > 0) counts.push(`${grouped(parts.validation.length)} choose the epoch`);
  if (parts.test.length > 0) counts.push(`${grouped(parts.test.length)} are kept for the end`);
  const steps = `${rules.epochs} epoch${rules.epochs === 1 ? "" : "s"}, batch ${rules.batch}, ${threads} thread${threads === 1 ? "" : "s"}`;
  context.note(`${counts.join(", ")}; ${steps}`);
  if (stages.plan) context.note(stages.plan);
  for (const warning of duplicateWarnings(data, parts)) context.warn(printable(warning));
  if (!isResumed && (await stat(out).catch(() => undefined)))
    context.note(`${printable(out)} is there already; the new model will replace it`);
}

async function train(job: Job, stages: StageWords, isResumed: boolean, context: Context): Promise<Finished> {
  const { network, options, data, parts, preprocessing, recipe: rules, seed, threads, out, validation, test } = job;
  using stop = interruptible(() => context.note("stopping after this step (Ctrl-C again to stop at once)"));
  let shownEpochs = 0;
  let bytes = 0;
  const { model, result } = await fitNetwork({
    ...{ network, options, data, parts, preprocessing, recipe: rules, seed, threads },
    provenance: { ...costOf(job), shares: { validation, test } },
    store: checkpointStore(out),
    isResumed,
    signal: stop.signal,
    onNotice: (sentence) => context.note(printable(sentence)),
    onProgress: (event) => {
      stages.watch(event);
      shownEpochs = showEpochs(event, stages, shownEpochs, context);
      context.progress.update(event.step / event.steps, progressWords(event, stages));
    },
    save: async (finished, { epochs }) => {
      showEpochs({ history: epochs, epochs: rules.epochs }, stages, shownEpochs, context);
      const file = await saveModel(finished);
      bytes = file.length;
      await atomicWrite(out, file);
    },
  });
  const evaluation = result.test ?? (await evaluateModel(model, data, { indices: heldBack(parts), threads }));
  return { job, model, result, evaluation, stages, bytes };
}

async function report({ job, model, result, evaluation, stages, bytes }: Finished, context: Context): Promise<void> {
  const { out, parts, data, threads } = job;
  const cost = costOf(job);
  const picture = `${out.replace(/\.safetensors$/, "")}.confusion.svg`;
  const title = `${model.network} on ${data.name}: ${percent(evaluation.accuracy, 2)}`;
  // The model is safe by now: a picture that cannot be written is no reason to fail.
  const isDrawn = await atomicWrite(picture, confusionSvg(model.labels, evaluation.confusion, title)).then(
    () => true,
    (error: Error) => context.warn(printable(error.message)),
  );
  if (parts.test.length === 0 && parts.validation.length === 0)
    context.warn("no image was held back: the accuracy is that of the training images");
  if (context.isJson) {
    context.print(JSON.stringify({ ...jsonResult(model, result, evaluation, { ...cost, out }), stages: stages.results() }));
    return;
  }
  context.print(`\n${evaluationText(evaluation, context.out, context.columns, whatWasRead(parts))}\n`);
  context.print(await showImages(model, data, heldBack(parts), threads, context));
  const speed = `${duration(result.seconds)}, ${grouped(result.imagesPerSecond)} images/s`;
  const epoch = `epoch ${result.best.epoch} of ${result.epochs.length}`;
  context.print(`\n${context.out.good("✓")} ${printable(out)} (${short(bytes)}B): ${grouped(cost.params)} parameters, ${epoch}, ${speed}`);
  const speeds = stages.speeds();
  if (speeds) context.print(`  stages: ${speeds}`);
  if (isDrawn) context.print(`  the confusion matrix as a picture: ${printable(picture)}`);
  context.print(`  next: npx goldcrest classify ${printable(out)} image.jpg`);
}

function whatWasRead({ test, validation }: Parts): string {
  if (test.length > 0) return "test images, read once";
  return validation.length > 0 ? "validation images" : "training images";
}

/** The last line of `--json`; these keys and this order are a promise. A training in stages adds `stages`. */
function jsonResult(
  { network }: Model,
  { epochs, seconds, imagesPerSecond }: FitResult,
  { accuracy }: Evaluation,
  { params, macs, out }: { readonly params: number; readonly macs: number; readonly out: string },
): Record<string, unknown> {
  const round = (x: number, digits: number): number => Number(x.toFixed(digits));
  return {
    accuracy,
    network,
    params,
    macs,
    epochs: epochs.length,
    seconds: round(seconds, 2),
    imagesPerSecond: round(imagesPerSecond, 1),
    model: out,
  };
}
