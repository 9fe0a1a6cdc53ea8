/**
 * npm run bench:zoo [-- --epochs N] [--threads N] [--only NAME]: one small network of every family, trained for the same few epochs on the whole of
 * Fashion-MNIST with one recipe; then, when all have learned, their speeds, in turns. Writes bench/results/zoo.json, docs/learning.md and its
 * pictures. What is finished is kept network by network: a run that is stopped goes on where it was. Runs of more epochs have a file of their own.
 */
import { existsSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { measureCandidates, scatterPlot, trainCandidate } from "../src/index.ts";
import type { ComparisonRow } from "../src/model/compare.ts";
import { findNetwork, resolveOptions } from "../src/networks/index.ts";
import { atomicWrite } from "../src/node.ts";
import { energyOf } from "../src/profile/energy.ts";
import type { Recipe } from "../src/train.ts";
import { machine } from "./machine.ts";
import { openTrainingSession } from "./trainingSession.ts";
import { entries, fitted, PLACE, SEED, SIZE, zooRecipe, zooTraining } from "./zooNetworks.ts";

/** Epochs of the table; longer runs are kept beside it. */
const EPOCHS = 4;
const LONGER = 8;
const LEAST_ACCURACY = 0.88;

/** One line of the result; images/s and milliseconds are of one thread. */
interface ZooRow extends ComparisonRow {
  readonly energyMicrojoules: number;
  readonly trainingImagesPerSecond?: number;
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
  const result = { machine: machine(), data: "fashion-mnist, 57,000 + 3,000 + 10,000 images", seed: SEED, recipe: rules, rows };
  await atomicWrite(resultOf(rules), `${JSON.stringify(result, undefined, 2)}\n`);
}

async function train(row: ComparisonRow, rules: Recipe, threads: number): Promise<ZooRow> {
  const trained = await trainCandidate(row, await zooTraining(row.label, rules, threads));
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
const rules = zooRecipe(Number(values.epochs));
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
  await atomicWrite("docs/learning.md", page(measured, readKnown(zooRecipe(LONGER)), rules));
  for (const { label, accuracy = 0 } of measured.filter((row) => (row.accuracy ?? 0) < LEAST_ACCURACY))
    console.error(`${label} reached ${percent(accuracy)}, below ${percent(LEAST_ACCURACY)}: its page needs the reason`);
}
