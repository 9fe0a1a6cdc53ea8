/**
 * npm run bench:int8 [-- --epochs N] [--threads N] [--only NAME]: what integers cost in accuracy. The small networks of the lightweight families of bench:zoo, trained
 * by its recipe on the whole of Fashion-MNIST, then in integers: calibrated alone, and fine-tuned. Writes bench/results/int8-accuracy.json and docs/integers.md.
 * What is finished is kept network by network: a run that is stopped goes on where it was; trained floats are kept in the system's folder for temporary files.
 */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { wasmBackend } from "../src/backends/wasm/index.ts";
import { loadModel, saveModel } from "../src/index.ts";
import type { ComparisonRow, ComparisonTraining } from "../src/model/compare.ts";
import type { Model } from "../src/model/model.ts";
import { runnable } from "../src/model/runnable.ts";
import { atomicWrite } from "../src/node.ts";
import {
  type Dataset,
  evaluateModel,
  fineTuneModel,
  fineTuningRecipe,
  fitNetwork,
  type QuantizedModel,
  type Recipe,
} from "../src/train.ts";
import { interleave, timed } from "./interleave.ts";
import { machine } from "./machine.ts";
import { entries, fitted, SEED, zooRecipe, zooTraining } from "./zooNetworks.ts";

const RESULT = "bench/results/int8-accuracy.json";
const labels = ["MobileNetV1", "MobileNetV2", "MobileNetV3-Small", "ShuffleNetV2", "EfficientNet-B0", "GhostNet"];
/** Most points of accuracy that integers may cost. */
const MOST = { calibrated: 1, tuned: 0.5 } as const;
const ROUNDS = 15;

/** One network; accuracy on the 10,000 test images, milliseconds of one image on one thread. */
interface Row extends Pick<ComparisonRow, "label" | "network" | "options" | "params"> {
  readonly accuracy: { readonly float: number; readonly calibrated: number; readonly tuned: number };
  /** Of fine-tuning; whether it did better than calibration alone on the images held back. */
  readonly isTuned: boolean;
  readonly method: string;
  readonly bytes: { readonly float: number; readonly int8: number };
  readonly milliseconds: { readonly float: number; readonly int8: number };
  /** On so many threads. */
  readonly seconds: { readonly training: number; readonly tuning: number; readonly threads: number };
  /** The layers furthest from the floats after calibration. */
  readonly worst: QuantizedModel["layers"];
}

interface Known {
  readonly recipe: Recipe;
  readonly tuning: Partial<Recipe>;
  readonly rows: readonly Row[];
}

function readKnown({ recipe, tuning }: Omit<Known, "rows">): readonly Row[] {
  if (!existsSync(RESULT)) return [];
  const known = JSON.parse(readFileSync(RESULT, "utf8")) as Known;
  return JSON.stringify([known.recipe, known.tuning]) === JSON.stringify([recipe, tuning]) ? known.rows : [];
}

/** The network with the floats of bench:zoo, trained here or by a run before. */
async function floatModel(
  { label, network, options }: ComparisonRow,
  training: ComparisonTraining,
): Promise<{ model: Model; seconds: number }> {
  const folder = join(tmpdir(), "goldcrest-bench-int8");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${label}.safetensors`);
  const held = existsSync(file) ? await loadModel(readFileSync(file), file) : undefined;
  const { recipe, seconds } = (held?.provenance ?? {}) as { readonly recipe?: Recipe; readonly seconds?: number };
  if (held && seconds !== undefined && JSON.stringify(recipe) === JSON.stringify(training.recipe)) return { model: held, seconds };
  const { model, result } = await fitNetwork({ ...training, network, options });
  const provenance = { ...model.provenance, seconds: result.seconds };
  await atomicWrite(file, await saveModel({ ...model, provenance }));
  return { model, seconds: result.seconds };
}

/** Milliseconds of one image on one thread, in turns. */
async function timesOf(models: Readonly<Record<"float" | "int8", Model>>): Promise<Row["milliseconds"]> {
  const open = async (model: Model): ReturnType<typeof wasmBackend.open> => {
    const { graph, weights } = runnable(model);
    const session = await wasmBackend.open(graph, weights);
    session.view("image").data.fill(0.5);
    return session;
  };
  using float = await open(models.float);
  using int8 = await open(models.int8);
  const turns = { float: timed(() => float.runInPlace(), 20), int8: timed(() => int8.runInPlace(), 20) };
  return (await interleave(turns, ROUNDS)) as Row["milliseconds"];
}

async function rowOf(row: ComparisonRow, recipe: Recipe, tuning: Partial<Recipe>, threads: number): Promise<Row> {
  const training = await zooTraining(row.label, recipe, threads);
  const { data, parts } = training;
  const { model, seconds } = await floatModel(row, training);
  const tuned = await fineTuneModel(model, data, {
    ...{ parts, threads, seed: SEED, recipe: fineTuningRecipe(model, tuning) },
    ...(training.onProgress ? { onTraining: training.onProgress } : {}),
  });
  const { calibrated } = tuned;
  const accuracy = await accuracies({ float: model, calibrated: calibrated.model, tuned: tuned.model }, data, parts.test, threads);
  const { label, network, options, params } = row;
  return {
    ...{ label, network, options, params, accuracy },
    ...{ isTuned: tuned.isTuned, method: calibrated.method },
    bytes: { float: (await saveModel(model)).length, int8: (await saveModel(tuned.model)).length },
    milliseconds: await timesOf({ float: model, int8: tuned.model }),
    seconds: { training: seconds, tuning: tuned.training.seconds, threads },
    worst: calibrated.layers.toSorted((a, b) => b.error - a.error).slice(0, 5),
  };
}

async function accuracies(
  models: Readonly<Record<keyof Row["accuracy"], Model>>,
  data: Dataset,
  indices: Uint32Array,
  threads: number,
): Promise<Row["accuracy"]> {
  const of = async (model: Model): Promise<number> => (await evaluateModel(model, data, { indices, threads })).accuracy;
  return { float: await of(models.float), calibrated: await of(models.calibrated), tuned: await of(models.tuned) };
}

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
const points = (share: number, of: number): string => `${share >= of ? "+" : "−"}${Math.abs(100 * (share - of)).toFixed(2)}`;

function line({ label, params, accuracy: { float, calibrated, tuned }, bytes, milliseconds }: Row): string {
  const kilobytes = (count: number): string => Math.round(count / 1000).toLocaleString("en-US");
  const cells = [
    ...[label, Math.round(params).toLocaleString("en-US"), percent(float)],
    ...[calibrated, tuned].map((each) => `${percent(each)} (${points(each, float)})`),
    `${kilobytes(bytes.float)} → ${kilobytes(bytes.int8)}`,
    `${milliseconds.float.toPrecision(3)} → ${milliseconds.int8.toPrecision(3)}`,
  ];
  return `| ${cells.join(" | ")} |`;
}

function page(rows: readonly Row[], { epochs, batch }: Recipe, tuning: Partial<Recipe>): string {
  const { cpu, node } = machine();
  return `<!-- Written by npm run bench:int8; changes here are lost. -->

# Accuracy in integers

Small networks of the lightweight families, trained on the whole of Fashion-MNIST as in [Learning, side by side](learning.md) (${epochs} epochs, batches of ${batch}, one recipe, one seed), then turned
into integers: weights of 8 bits, activations of 7. *Calibrated* looks at 128 training images and trains nothing; *fine-tuned* goes on training for ${tuning.epochs} epoch${tuning.epochs === 1 ? "" : "s"} with the roundings of
integers in the graph, and is kept only where it does better than calibration alone on 3,000 images held back. Accuracy is of the 10,000 test images, with the difference to the floats in points.

| Network | Parameters | Float32 | Calibrated | Fine-tuned | kB | ms an image |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |
${rows.map(line).join("\n")}

Times are of one thread, floats and integers in turns (${cpu}, Node.js ${node}); networks as small as these spend much of it between layers.
`;
}

const { values } = parseArgs({
  options: { epochs: { type: "string", default: "2" }, threads: { type: "string", default: "2" }, only: { type: "string" } },
});
const [recipe, tuning] = [zooRecipe(4), { epochs: Number(values.epochs) }];
const order = ({ label }: Row): number => labels.indexOf(label);
for (const entry of entries.filter(({ label }) => (values.only ? label === values.only : labels.includes(label)))) {
  if (readKnown({ recipe, tuning }).some(({ label }) => label === entry.label)) continue;
  const row = await rowOf(fitted(entry), recipe, tuning, Number(values.threads));
  // Read again: other networks may have been trained at the same time.
  const rows = [...readKnown({ recipe, tuning }), row].sort((a, b) => order(a) - order(b));
  const result = { machine: machine(), data: "fashion-mnist, 57,000 + 3,000 + 10,000 images", seed: SEED, recipe, tuning, rows };
  await atomicWrite(RESULT, `${JSON.stringify(result, undefined, 2)}\n`);
  await atomicWrite("docs/integers.md", page(rows, recipe, tuning));
  const { float, calibrated, tuned } = row.accuracy;
  console.error(`${row.label}: ${percent(float)}, calibrated ${points(calibrated, float)}, fine-tuned ${points(tuned, float)}`);
  if (100 * (float - calibrated) > MOST.calibrated || 100 * (float - tuned) > MOST.tuned) console.error(row.worst);
}
