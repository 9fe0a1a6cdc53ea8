/**
 * npm run bench:zoo [-- --epochs N] [--threads N] [--only NAME]: one small network of every family, trained for the same few epochs on the whole of
 * Fashion-MNIST with one recipe; then, when all have learned, their speeds, in turns. Writes bench/results/zoo.json, docs/learning.md and its
 * pictures. What is finished is kept network by network: a run that is stopped goes on where it was. Runs of more epochs have a file of their own.
 */
import { existsSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { countCandidate, measureCandidates, type NetworkOptions, scatterPlot, trainCandidate } from "../src/index.ts";
import type { ComparisonRow } from "../src/model/compare.ts";
import { findNetwork, resolveOptions } from "../src/networks/index.ts";
import { atomicWrite, openFashionMnist } from "../src/node.ts";
import { energyOf } from "../src/profile/energy.ts";
import { preprocessingFor, type Recipe, recipe, splitDataset } from "../src/train.ts";
import { machine } from "./machine.ts";
import { openTrainingSession } from "./trainingSession.ts";

const SIZE = 28;
const PLACE = { size: SIZE, channels: 1, classes: 10 } as const;
const [LEAST_PARAMS, MOST_PARAMS] = [80_000, 150_000];
/** Epochs of the table; longer runs are kept beside it. */
const EPOCHS = 4;
const LONGER = 8;
const LEAST_ACCURACY = 0.88;

/** The network that stands for a family or design, and what it needs beside a width. */
interface Entry {
  readonly label: string;
  readonly network: string;
  readonly options?: NetworkOptions;
}

const entries: readonly Entry[] = [
  { label: "VanillaConv", network: "vanilla-compact" },
  { label: "ResNet-20", network: "resnet-20" },
  { label: "SqueezeNet 1.1", network: "squeezenet-1.1" },
  { label: "SqueezeNext-23v5", network: "squeezenext-23v5" },
  { label: "MobileNetV1", network: "mobilenet-v1" },
  { label: "MobileNetV2", network: "mobilenet-v2" },
  { label: "MobileNetV3-Small", network: "mobilenet-v3-small" },
  { label: "ShuffleNetV1 g=3", network: "shufflenet-v1-g3" },
  { label: "ShuffleNetV2", network: "shufflenet-v2" },
  { label: "IGCV1", network: "igcv1-plain" },
  { label: "IGCV2", network: "vanilla-compact", options: { conv: "igcv2" } },
  { label: "IGCV3", network: "igcv3" },
  { label: "ChannelNet-v3", network: "channelnet-v3" },
  { label: "EfficientNet-B0", network: "efficientnet-b0" },
  { label: "EfficientNetV2-B0", network: "efficientnet-v2-b0" },
  { label: "GhostNet", network: "ghostnet" },
  { label: "MicroNet-M0", network: "micronet-m0" },
  { label: "CompConv", network: "vanilla-compact", options: { conv: "compconv" } },
  { label: "AdderNet", network: "vanilla-compact", options: { arithmetic: "adder" } },
  { label: "Mitchell", network: "vanilla-compact", options: { arithmetic: "mitchell" } },
];

/** One line of the result; images/s and milliseconds are of one thread. */
interface ZooRow extends ComparisonRow {
  readonly energyMicrojoules: number;
  readonly trainingImagesPerSecond?: number;
}

/** The narrowest of a grid of widths with 80,000 to 150,000 parameters; else the one nearest to that range. */
function fitted({ label, network, options = {} }: Entry): ComparisonRow {
  let best: { row: ComparisonRow; distance: number } | undefined;
  for (let step = 1; step <= 60 && best?.distance !== 0; step++) {
    let row: ComparisonRow;
    try {
      row = countCandidate({ label, network, options: { ...options, width: step / 20, isSmallImage: true } }, PLACE);
    } catch {
      continue; // this width cannot be built
    }
    const distance = Math.max(0, row.params - MOST_PARAMS, LEAST_PARAMS - row.params);
    if (!best || distance < best.distance) best = { row, distance };
  }
  if (!best) throw new Error(`${label}: no width can be built for ${SIZE}×${SIZE}×1`);
  return best.row;
}

interface Known {
  readonly recipe: Recipe;
  readonly rows: readonly ZooRow[];
}

function resultOf({ epochs }: Recipe): string {
  return `bench/results/zoo${epochs === EPOCHS ? "" : `-${epochs}-epochs`}.json`;
}

function readKnown(rules: Recipe): readonly ZooRow[] {
  const file = resultOf(rules);
  if (!existsSync(file)) return [];
  const known = JSON.parse(readFileSync(file, "utf8")) as Known;
  return JSON.stringify(known.recipe) === JSON.stringify(rules) ? known.rows : [];
}

async function save(rules: Recipe, rows: readonly ZooRow[]): Promise<void> {
  const result = { machine: machine(), data: "fashion-mnist, 57,000 + 3,000 + 10,000 images", seed: 1, recipe: rules, rows };
  await atomicWrite(resultOf(rules), `${JSON.stringify(result, undefined, 2)}\n`);
}

async function train(row: ComparisonRow, rules: Recipe, threads: number): Promise<ZooRow> {
  const data = await openFashionMnist({ part: "full" });
  const trained = await trainCandidate(row, {
    ...{ data, recipe: rules, seed: 1, threads },
    parts: splitDataset(data, { validation: 0.05, seed: 1 }),
    preprocessing: preprocessingFor({ size: SIZE, channels: 1, fit: "crop" }),
    onProgress({ phase, epoch, step, accuracy, imagesPerSecond }) {
      if (phase === "training" && step % 400 === 0)
        console.error(`${row.label} epoch ${epoch} step ${step}: ${accuracy.toFixed(4)}, ${imagesPerSecond.toFixed(0)} images/s`);
    },
  });
  return { ...trained, energyMicrojoules: energyOf(trained) };
}

/** Training images a second on one thread, batch 64: the least time of a step, over a second and three steps at least. */
async function trainingRate({ network: name, options }: ComparisonRow): Promise<number> {
  const network = findNetwork(name);
  const build: Parameters<typeof openTrainingSession>[0]["build"] = (g, image, { classes }) =>
    network.build(g, image, resolveOptions(network, { ...options, classes }, SIZE));
  using session = await openTrainingSession({ name, ...PLACE, build }, 64, 1);
  let least = Number.POSITIVE_INFINITY;
  const begin = performance.now();
  for (let i = 0; i < 3 || performance.now() - begin < 1500; i++) {
    const start = performance.now();
    session.runInPlace();
    least = Math.min(least, performance.now() - start);
  }
  return 64_000 / least;
}

const grouped = (count: number): string => Math.round(count).toLocaleString("en-US");

/** Why a network stays below 88 % in the table, beside what more epochs give. */
const reasons: Readonly<Record<string, string>> = {
  "SqueezeNet 1.1":
    "it has no normalisation: with momentum at 0.1, the rate that suits the others, it does not learn at all (10.00 %); AdamW at 0.003, batches of 64, three epochs: 86.79 %",
  GhostNet:
    "at its narrowest it spends most of its parameters on the layer of 1280 features, and 0.5 M MACs on everything else; AdamW, three epochs: 86.13 % (0.003, batches of 64), 86.89 % (0.006), 86.75 % (0.003, batches of 32), 87.81 % (0.005)",
  AdderNet:
    "adders learn slowly; their authors train for 400 epochs. The same backbone with products and with Mitchell's products is in the table",
};

const percent = (share = 0): string => `${(100 * share).toFixed(2)} %`;

/** A line for each network below 88 %: what more epochs give, and the reason. */
function shortfalls(rows: readonly ZooRow[], longer: readonly ZooRow[], epochs: number): string {
  const short = rows.filter(({ accuracy = 0 }) => accuracy < LEAST_ACCURACY);
  const lines = short.map(({ label, accuracy }) => {
    const more = longer.find((row) => row.label === label);
    const after = more ? `${percent(more.accuracy)} after ${LONGER}` : "more epochs were not measured";
    return `* ${label}: ${percent(accuracy)} after ${epochs} epochs, ${after}; ${reasons[label] ?? "the reason is not known"}.`;
  });
  return lines.join("\n");
}

function page(rows: readonly ZooRow[], longer: readonly ZooRow[], { epochs, batch }: Recipe): string {
  const sorted = [...rows].sort((a, b) => (b.accuracy ?? 0) - (a.accuracy ?? 0));
  const lines = sorted.map(
    ({ label, network, options, params, macs, adds, energyMicrojoules, milliseconds, trainingImagesPerSecond, accuracy }) => {
      const shown = Object.entries(options).filter(([name]) => name !== "isSmallImage");
      const how = `\`${network}\` ${shown.map(([name, value]) => `${name} ${value}`).join(", ")}`;
      const speed = [trainingImagesPerSecond === undefined ? "–" : grouped(trainingImagesPerSecond), milliseconds?.toPrecision(3) ?? "–"];
      return `| ${[label, how, percent(accuracy), grouped(params), grouped(macs), grouped(adds), energyMicrojoules.toPrecision(3), ...speed].join(" | ")} |`;
    },
  );
  const { cpu, node } = machine();
  return `<!-- Written by npm run bench:zoo; changes here are lost. -->

# Learning, side by side

One small network of every family, the narrowest with 80,000 parameters where its family allows, trained on the whole of Fashion-MNIST (28×28 grey
images, 57,000 to train with, 3,000 to choose the epoch, the 10,000 test images read once) for ${epochs} epochs of batches of ${batch}, with one recipe and one seed. So this
compares designs, not what each could reach with more time or with its own recipe.

| Family | Network | Test accuracy | Parameters | MACs | Additions | µJ | Training, images/s | ms an image |
| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
${lines.join("\n")}

Below 88 % after so few epochs:

${shortfalls(rows, longer, epochs)}

µJ is the energy of the arithmetic alone in float32, from the published 45 nm table. Speeds are of one thread (${cpu}, Node.js ${node}); training at batch 64.

![Accuracy beside multiply–accumulates](images/learning-macs.svg)

![Accuracy beside milliseconds](images/learning-ms.svg)
`;
}

async function draw(rows: readonly ZooRow[], { epochs }: Recipe): Promise<void> {
  const axes = {
    macs: {
      x: { title: "multiply–accumulates and paired additions an image", kind: "count" },
      of: ({ macs, adds }: ZooRow) => Math.max(macs, adds / 2),
    },
    ms: { x: { title: "milliseconds an image, one thread", kind: "ms" }, of: ({ milliseconds }: ZooRow) => milliseconds as number },
  } as const;
  for (const [name, { x, of }] of Object.entries(axes)) {
    const points = rows.map((row) => ({ label: row.label, group: row.label, params: row.params, x: of(row), y: row.accuracy as number }));
    const svg = scatterPlot(points, {
      title: "Every family on Fashion-MNIST",
      subtitle: `${rows.length} networks of about 100,000 parameters, ${epochs} epochs, one recipe; area for parameters`,
      ...{ x, y: { title: "test accuracy", kind: "percent" } },
    });
    await atomicWrite(`docs/images/learning-${name}.svg`, svg);
  }
}

const { values } = parseArgs({
  options: { epochs: { type: "string", default: String(EPOCHS) }, threads: { type: "string", default: "2" }, only: { type: "string" } },
});
// Adaptive steps and a bound on the gradient: SqueezeNet, which has no normalisation, does not survive the rate that suits the others with momentum.
const rulesOf = (epochs: number): Recipe =>
  recipe("small", {
    ...{ epochs, batch: 32, learningRate: 0.004, weightDecay: 0.05, clip: 5 },
    optimiser: { kind: "adamw", beta1: 0.9, beta2: 0.999, eps: 1e-8 },
  });
const rules = rulesOf(Number(values.epochs));
const rows = [...readKnown(rules)];
for (const entry of entries.filter(({ label }) => !values.only || label === values.only)) {
  if (rows.some(({ label }) => label === entry.label)) continue;
  rows.push(await train(fitted(entry), rules, Number(values.threads)));
  console.error(`${entry.label}: ${percent(rows.at(-1)?.accuracy)}`);
  await save(rules, rows);
}
if (!values.only) {
  const times = await measureCandidates(rows, PLACE, { onProgress: (done, label) => console.error(`measuring ${done + 1}: ${label}`) });
  const measured: ZooRow[] = [];
  for (const [i, row] of rows.entries()) {
    measured.push({ ...row, milliseconds: times[i], trainingImagesPerSecond: await trainingRate(row) });
  }
  await save(rules, measured);
  await draw(measured, rules);
  await atomicWrite("docs/learning.md", page(measured, readKnown(rulesOf(LONGER)), rules));
  for (const { label, accuracy = 0 } of measured.filter((row) => (row.accuracy ?? 0) < LEAST_ACCURACY))
    console.error(`${label} reached ${percent(accuracy)}, below ${percent(LEAST_ACCURACY)}: its page needs the reason`);
}
