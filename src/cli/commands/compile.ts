import { availableParallelism } from "node:os";
import { basename, dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { loadModel, type Model, openClassifier, runnable } from "../../index.ts";
import { atomicWrite, type CompiledFiles, type CompiledRunner, compileToFiles, openRunner, readFileBytes } from "../../node.ts";
import { evaluateModel } from "../../train.ts";
import type { Context } from "../context.ts";
import { openData } from "../data.ts";
import { choiceOption, hasFlag, type RawOptions, textOption, wholeOption } from "../options.ts";
import { percent, printable, table } from "../terminal/text.ts";

const formats = ["f32", "f16", "int8"] as const;
const MB = 1e6;
/** Images of noise that a compiled model is compared on. */
const NOISE = 8;

/** How far a compiled model is from the model that it comes from. */
interface Effect {
  /** Largest difference of a logit, as a share of the largest logit, over images of noise. */
  readonly deviation: number;
  /** Images of noise with the same first label. */
  readonly agreeing: number;
  readonly images: number;
  /** On the images of --data. */
  readonly accuracy?: { readonly before: number; readonly after: number; readonly images: number };
}

/** `goldcrest compile MODEL`: writes the files, says how large they are and what storing the weights so has changed. */
export async function compileCommand(path: string, raw: RawOptions, context: Context): Promise<void> {
  const [weights, size, batch] = [choiceOption(raw, "weights", formats), wholeOption(raw, "size", 1), wholeOption(raw, "batch", 1)];
  const out = (textOption(raw, "out") ?? path.replace(/\.safetensors$/, "")).replace(/\.(wasm|js)$/, "");
  const given = await loadModel(await readFileBytes(path), path);
  const model: Model = size === undefined ? given : { ...given, preprocessing: { ...given.preprocessing, size } };
  const optimised = runnable(model, batch);
  const options = { weights, isSeparate: hasFlag(raw, "separate-weights"), isRelaxed: raw.relaxed !== false };
  const compiled = await compileToFiles(basename(out), optimised.graph, optimised.weights, model, options);
  const effect = await effectOf(model, compiled, raw, context);
  for (const [name, contents] of Object.entries(compiled.files)) await atomicWrite(join(dirname(out), name), contents);
  const { sizes } = compiled;
  if (context.isJson) context.print(JSON.stringify({ files: filesOf(compiled), sizes, ...effect }));
  else context.print([fileTable(compiled), "", ...memoryLines(compiled), ...effectLines(effect)].join("\n"));
  context.note(`use it: import { load } from ${JSON.stringify(`./${basename(out)}.js`)}; const classify = await load();`);
}

/** The runner over the files in memory, before anything is written. */
async function openFiles({ files }: CompiledFiles): Promise<CompiledRunner> {
  const of = (end: string): Uint8Array<ArrayBuffer> | undefined =>
    Object.entries(files).find(([name]) => name.endsWith(end))?.[1] as Uint8Array<ArrayBuffer> | undefined;
  return openRunner(of(".wasm") as Uint8Array<ArrayBuffer>, { weights: of(".weights") });
}

async function effectOf(model: Model, compiled: CompiledFiles, raw: RawOptions, context: Context): Promise<Effect> {
  const runner = await openFiles(compiled);
  const noise = compareOnNoise(runner, await openClassifier(model));
  if (raw.data === undefined) return noise;
  const data = await openData(undefined, raw, context, 1);
  const threads = Math.min(2, availableParallelism());
  try {
    const onBatch = (done: number): void => context.progress.update(done / data.count, `${done} of ${data.count} images`);
    const before = await evaluateModel(model, data, { threads, onBatch });
    const after = await evaluateModel(model, data, { runner, onBatch });
    context.progress.clear();
    return { ...noise, accuracy: { before: before.accuracy, after: after.accuracy, images: data.count } };
  } finally {
    await data.close();
  }
}

/** Both on the same images of noise, one a run. */
function compareOnNoise(runner: CompiledRunner, classifier: Awaited<ReturnType<typeof openClassifier>>): Effect {
  using held = classifier;
  const { preprocessing, labels } = runner.card;
  const bytes = preprocessing.size ** 2 * preprocessing.channels;
  const { data, strides } = runner.view("logits");
  const first = (logits: ArrayLike<number>): number => labels.reduce((best, _, i) => (logits[i] > logits[best] ? i : best), 0);
  let [deviation, agreeing] = [0, 0];
  for (let n = 0; n < NOISE; n++) {
    const pixels = Uint8Array.from({ length: bytes }, (_, i) => (Math.imul(i + n * bytes + 1, 0x9e3779b1) >>> 13) & 255);
    const expected = held.logits(pixels);
    runner.write(0, pixels);
    runner.runInPlace();
    const found = Float64Array.from(labels, (_, i) => data[i * strides[1]]);
    const most = expected.reduce((largest, x) => Math.max(largest, Math.abs(x)), Number.MIN_VALUE);
    deviation = found.reduce((largest, x, i) => Math.max(largest, Math.abs(x - expected[i]) / most), deviation);
    if (first(found) === first(expected)) agreeing++;
  }
  return { deviation, agreeing, images: NOISE };
}

function filesOf({ files }: CompiledFiles): readonly { readonly name: string; readonly bytes: number; readonly compressed: number }[] {
  return Object.entries(files).map(([name, contents]) => ({
    name,
    bytes: Buffer.byteLength(contents),
    compressed: gzipSync(contents).length,
  }));
}

const kilo = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`;

function fileTable(compiled: CompiledFiles): string {
  const rows = filesOf(compiled).map(({ name, bytes, compressed }) => [printable(name), kilo(bytes), kilo(compressed)]);
  return table(["file", "size", "compressed"], rows);
}

function memoryLines({ sizes }: CompiledFiles): string[] {
  const { code, relaxed, weights, packed, arena, lowerBound } = sizes;
  const fused = relaxed === 0 ? "" : `, once more with fused multiply–add ${kilo(relaxed)}`;
  return [
    `kernels  ${kilo(code)}${fused}`,
    `weights  ${(weights / MB).toFixed(2)} MB stored, ${(packed / MB).toFixed(2)} MB in memory`,
    `memory   ${(arena / MB).toFixed(2)} MB, ${(arena / lowerBound).toFixed(2)} of the least possible`,
  ];
}

function effectLines({ deviation, agreeing, images, accuracy }: Effect): string[] {
  const logits =
    deviation === 0
      ? "the same bits as the model's"
      : `within ${deviation.toPrecision(2)} of the largest, the same first label on ${agreeing} of ${images} images of noise`;
  const measured = accuracy
    ? [`accuracy ${percent(accuracy.before, 2)} before, ${percent(accuracy.after, 2)} after, on ${accuracy.images} images`]
    : [];
  return [`logits   ${logits}`, ...measured];
}
