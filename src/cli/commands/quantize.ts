import { availableParallelism } from "node:os";
import { loadModel, OptionError, saveModel } from "../../index.ts";
import { atomicWrite, readFileBytes } from "../../node.ts";
import { type Dataset, type Evaluation, evaluateModel, type QuantizedModel, quantizeModel, rangeMethods } from "../../train.ts";
import type { Context } from "../context.ts";
import { openData } from "../data.ts";
import { choiceOption, given, type RawOptions, textOption, threadsOption, wholeOption } from "../options.ts";
import { grouped, percent, printable, table } from "../terminal/text.ts";
import { partOf } from "./evaluate.ts";

/** Layers shown, the worst first. */
const SHOWN = 10;

/** What the command found out, as --json prints it. */
interface Report {
  readonly model: string;
  readonly accuracy: { readonly before: number; readonly after: number; readonly images: number };
  readonly bytes: { readonly before: number; readonly after: number };
  readonly method: string;
  readonly tried: Readonly<Record<string, number>>;
  readonly calibrationImages: number;
  readonly layers: QuantizedModel["layers"];
  readonly floats: QuantizedModel["floats"];
}

/** `goldcrest quantize MODEL`: a model in integers, its accuracy before and after, the error of each layer, its size. */
export async function quantizeCommand(path: string, folder: string | undefined, raw: RawOptions, context: Context): Promise<void> {
  const threads = threadsOption(raw, availableParallelism());
  const [images, seed] = [wholeOption(raw, "images", 1), wholeOption(raw, "seed", 0)];
  const method = choiceOption(raw, "ranges", rangeMethods);
  const out = textOption(raw, "out") ?? `${path.replace(/\.safetensors$/, "")}.int8.safetensors`;
  if (out === path) throw new OptionError(`--out is ${JSON.stringify(out)}, the model itself; give another file`);
  const file = await readFileBytes(path);
  const model = await loadModel(file, path);
  const data = await openData(folder, raw, context, 1);
  try {
    const options = { indices: calibrationPart(data, model), ...given({ images, seed, method }) };
    const onProgress = (share: number, what: string): void => context.progress.update(share, what);
    const result = await quantizeModel(model, data, { ...options, onProgress });
    const indices = partOf(data, undefined, model);
    const accuracy = async (each: typeof model, what: string): Promise<Evaluation> => {
      const onBatch = (done: number): void => context.progress.update(done / indices.length, `accuracy ${what}`);
      return evaluateModel(each, data, { indices, threads, onBatch });
    };
    const [before, after] = [await accuracy(model, "before"), await accuracy(result.model, "after")];
    const bytes = await saveModel(result.model);
    await atomicWrite(out, bytes);
    context.progress.clear();
    report(
      {
        model: out,
        accuracy: { before: before.accuracy, after: after.accuracy, images: before.images },
        bytes: { before: file.length, after: bytes.length },
        method: result.method,
        tried: result.tried,
        calibrationImages: result.images,
        layers: result.layers,
        floats: result.floats,
      },
      context,
    );
  } finally {
    await data.close();
  }
}

/** The images that the model was trained on, where the data has parts; else all. */
function calibrationPart(data: Dataset, model: Parameters<typeof partOf>[2]): Uint32Array {
  return partOf(data, data.fixedParts?.test ? "train" : "all", model);
}

function report(found: Report, context: Context): void {
  if (context.isJson) {
    context.print(JSON.stringify(found));
    return;
  }
  const { accuracy, bytes, layers, floats } = found;
  const points = (accuracy.after - accuracy.before) * 100;
  const rows = [
    `accuracy   ${percent(accuracy.before, 2)} before, ${percent(accuracy.after, 2)} after (${points.toFixed(2)} points) on ${grouped(accuracy.images)} images`,
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
