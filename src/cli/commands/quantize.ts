import { availableParallelism } from "node:os";
import { loadModel, type Model, OptionError, saveModel } from "../../index.ts";
import { atomicWrite, checkpointStore, readFileBytes } from "../../node.ts";
import {
  type Dataset,
  type Evaluation,
  evaluateModel,
  type FineTunedModel,
  fineTuneModel,
  fineTuningRecipe,
  planStages,
  type QuantizedModel,
  type QuantizeOptions,
  quantizeModel,
  type Recipe,
  rangeMethods,
  splitDataset,
} from "../../train.ts";
import type { Context } from "../context.ts";
import { openData } from "../data.ts";
import { interruptible } from "../interrupt.ts";
import { choiceOption, given, hasFlag, numberOption, type RawOptions, textOption, threadsOption, wholeOption } from "../options.ts";
import { duration, grouped, percent, printable, table } from "../terminal/text.ts";
import { divisionOf, partOf } from "./evaluate.ts";
import { openStageWords } from "./fitStages.ts";
import { heldBack, progressWords, proveWritable, showEpochs } from "./fitWords.ts";

/** Layers shown, the worst first. */
const SHOWN = 10;

/** What the command found out, as --json prints it; a fine-tuned model adds `fineTuning`. */
interface Report {
  readonly model: string;
  readonly accuracy: { readonly before: number; readonly after: number; readonly images: number };
  readonly bytes: { readonly before: number; readonly after: number };
  readonly method: string;
  readonly tried: Readonly<Record<string, number>>;
  readonly calibrationImages: number;
  readonly layers: QuantizedModel["layers"];
  readonly floats: QuantizedModel["floats"];
  readonly fineTuning?: {
    readonly epochs: number;
    readonly seconds: number;
    /** False where calibration alone did better on the images held back: then the model is that of calibration alone. */
    readonly isKept: boolean;
    /** Accuracy after calibration alone, on the images of `accuracy`. */
    readonly calibrated: number;
  };
}

/** What was asked for on the command line. */
interface Asked {
  readonly path: string;
  readonly out: string;
  readonly threads: number;
  readonly calibration: Pick<QuantizeOptions, "images" | "seed" | "method">;
  /** Absent where nothing is trained. */
  readonly tuning?: Partial<Recipe>;
  readonly isResumed: boolean;
}

/** A model in integers, the images that it is measured on, and how its training went. */
interface Quantised {
  readonly result: QuantizedModel;
  readonly measured: Uint32Array;
  readonly tuned?: FineTunedModel;
}

function readAsked(path: string, raw: RawOptions): Asked {
  const out = textOption(raw, "out") ?? `${path.replace(/\.safetensors$/, "")}.int8.safetensors`;
  if (out === path) throw new OptionError(`--out is ${JSON.stringify(out)}, the model itself; give another file`);
  const epochs = wholeOption(raw, "fine-tune", 1);
  const training = given({ learningRate: numberOption(raw, "lr"), batch: wholeOption(raw, "batch", 1) });
  const alone = ["lr", "batch", "resume"].find((name) => raw[name] !== undefined);
  if (epochs === undefined && alone) throw new OptionError(`--${alone} is of training; it needs --fine-tune`);
  const [images, seed] = [wholeOption(raw, "images", 1), wholeOption(raw, "seed", 0)];
  return {
    ...{ path, out, threads: threadsOption(raw, availableParallelism()), isResumed: hasFlag(raw, "resume") },
    calibration: given({ images, seed, method: choiceOption(raw, "ranges", rangeMethods) }),
    ...(epochs === undefined ? {} : { tuning: { epochs, ...training } }),
  };
}

/** `goldcrest quantize MODEL`: a model in integers, its accuracy before and after, the error of each layer, its size. */
export async function quantizeCommand(path: string, folder: string | undefined, raw: RawOptions, context: Context): Promise<void> {
  const asked = readAsked(path, raw);
  if (asked.tuning) await proveWritable(asked.out);
  const file = await readFileBytes(path);
  const model = await loadModel(file, path);
  const data = await openData(folder, raw, context, 1);
  try {
    const { result, measured, tuned } = asked.tuning
      ? await fineTuned(model, data, asked, context)
      : await calibrated(model, data, asked, context);
    const accuracy = async (each: Model, what: string): Promise<Evaluation> => {
      const onBatch = (done: number): void => context.progress.update(done / measured.length, `accuracy ${what}`);
      return evaluateModel(each, data, { indices: measured, threads: asked.threads, onBatch });
    };
    const [before, after] = [await accuracy(model, "before"), await accuracy(result.model, "after")];
    const between = tuned && (await accuracy(tuned.calibrated.model, "of calibration alone"));
    const bytes = await saveModel(result.model);
    if (!tuned) await atomicWrite(asked.out, bytes);
    context.progress.clear();
    report(
      {
        model: asked.out,
        accuracy: { before: before.accuracy, after: after.accuracy, images: before.images },
        bytes: { before: file.length, after: bytes.length },
        method: result.method,
        tried: result.tried,
        calibrationImages: result.images,
        layers: result.layers,
        floats: result.floats,
        ...(tuned && between ? { fineTuning: tuningOf(tuned, between) } : {}),
      },
      context,
    );
  } finally {
    await data.close();
  }
}

function tuningOf({ training, isTuned }: FineTunedModel, { accuracy }: Evaluation): NonNullable<Report["fineTuning"]> {
  return { epochs: training.epochs.length, seconds: Number(training.seconds.toFixed(2)), isKept: isTuned, calibrated: accuracy };
}

async function calibrated(model: Model, data: Dataset, { calibration }: Asked, { progress }: Context): Promise<Quantised> {
  const onProgress = (share: number, what: string): void => progress.update(share, what);
  const result = await quantizeModel(model, data, { indices: calibrationPart(data, model), ...calibration, onProgress });
  return { result, measured: partOf(data, undefined, model) };
}

/** Calibrates, trains and writes the file; checkpoints lie beside it until then. */
async function fineTuned(model: Model, data: Dataset, asked: Asked, context: Context): Promise<Quantised> {
  const { out, calibration, threads, isResumed, tuning } = asked;
  const parts = splitDataset(data, divisionOf(model));
  const rules = fineTuningRecipe(model, tuning);
  const stages = openStageWords(planStages(rules, model.preprocessing.size));
  using stop = interruptible(() => context.note("stopping after this step (Ctrl-C again to stop at once)"));
  let shownEpochs = 0;
  const tuned = await fineTuneModel(model, data, {
    ...{ ...calibration, parts, threads, isResumed, signal: stop.signal, store: checkpointStore(out) },
    recipe: rules,
    onProgress: (share, what) => context.progress.update(share, what),
    onNotice: (sentence) => context.note(printable(sentence)),
    onTraining(event) {
      shownEpochs = showEpochs(event, stages, shownEpochs, context);
      context.progress.update(event.step / event.steps, progressWords(event, stages));
    },
    save: async ({ model: finished, training: { epochs } }) => {
      showEpochs({ history: epochs, epochs: epochs.length }, stages, shownEpochs, context);
      await atomicWrite(out, await saveModel(finished));
    },
  });
  return { result: tuned, measured: heldBack(parts), tuned };
}

/** The images that the model was trained on, where the data has parts; else all. */
function calibrationPart(data: Dataset, model: Parameters<typeof partOf>[2]): Uint32Array {
  return partOf(data, data.fixedParts?.test ? "train" : "all", model);
}

function tuningText({ epochs, seconds, isKept }: NonNullable<Report["fineTuning"]>): string {
  const outcome = isKept ? "better than calibration alone" : "no better than calibration alone on the images held back, so not kept";
  return `tuning     ${epochs} epoch${epochs === 1 ? "" : "s"}, ${duration(seconds)}: ${outcome}`;
}

function report(found: Report, context: Context): void {
  if (context.isJson) {
    context.print(JSON.stringify(found));
    return;
  }
  const { accuracy, bytes, layers, floats, fineTuning } = found;
  const points = (accuracy.after - accuracy.before) * 100;
  const rows = [
    `accuracy   ${percent(accuracy.before, 2)} before, ${fineTuning ? `${percent(fineTuning.calibrated, 2)} calibrated, ` : ""}${percent(accuracy.after, 2)} after (${points.toFixed(2)} points) on ${grouped(accuracy.images)} images`,
    ...(fineTuning ? [tuningText(fineTuning)] : []),
    `ranges     ${found.method}; chosen on ${grouped(found.calibrationImages)} images`,
    `size       ${grouped(bytes.before)} bytes before, ${grouped(bytes.after)} after (${percent(bytes.after / bytes.before)})`,
    floats.length === 0
      ? "float      no layer stays float"
      : `float      ${floats.length} layers stay float: ${floats.map(({ op, scope }) => `${op} at ${printable(scope)}`).join(", ")}`,
    `model      ${printable(found.model)}`,
  ];
  const worst = layers.toSorted((a, b) => b.error - a.error).slice(0, SHOWN);
  const cells = worst.map(({ scope, op, error }) => [scope, op, percent(error)]);
  context.print([...rows, "", table(["layer", "op", "error"], cells)].join("\n"));
}
