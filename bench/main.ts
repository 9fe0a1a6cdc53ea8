/**
 * npm run bench [-- --inference] [--train] [--memory] [--accuracy] [--kernels] [--arithmetic] [--shift-max] [--size] [--start] [--ways] [--network NAME] [--precision f32|int8] [--threads N] [--rounds N] [--epochs N] [--seeds N] [--profile] [--json [FILE]] [--picture FILE]
 *
 * Ratios against peers, taken in one run, turns interleaved, medians. Without a section: inference, training, memory and arithmetic. For figures of
 * one thread pin the process to one core (taskset -c 1 npm run bench). Inference takes several networks with commas between them, or "all"; model files, too.
 * Lines of text appear while it runs; --json prints the result to standard output or writes it to a file, --picture draws inference.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { accuracyRows } from "./accuracy.ts";
import { arithmeticRows, composedRows, groupedRows } from "./arithmetic.ts";
import { type InferenceRow, inferenceRows } from "./inference.ts";
import { kernelRows } from "./kernels.ts";
import { machine } from "./machine.ts";
import { memoryRows } from "./memory.ts";
import { ratioPicture } from "./ratioPicture.ts";
import { shiftMaxRows } from "./shiftMax.ts";
import { sizeRows } from "./size.ts";
import { startRows } from "./start.ts";
import { trainingRows } from "./training.ts";
import { wayRows } from "./ways.ts";

/** `--json` alone means standard output. */
const words = process.argv.slice(2).map((word, i, all) => (word === "--json" && (all[i + 1] ?? "--").startsWith("--") ? "--json=" : word));

const flag = { type: "boolean", default: false } as const;
const { values } = parseArgs({
  args: words,
  options: {
    ...{
      inference: flag,
      train: flag,
      memory: flag,
      accuracy: flag,
      kernels: flag,
      arithmetic: flag,
      "shift-max": flag,
      size: flag,
      start: flag,
      ways: flag,
      profile: flag,
    },
    network: { type: "string" },
    threads: { type: "string", default: "1" },
    epochs: { type: "string", default: "10" },
    seeds: { type: "string", default: "3" },
    rounds: { type: "string", default: "5" },
    precision: { type: "string", default: "f32" },
    json: { type: "string" },
    picture: { type: "string" },
  },
});

const threads = Number(values.threads);
const rounds = Number(values.rounds);
const { network, precision, profile } = values;

const result: Record<string, unknown> = { machine: machine(), date: new Date().toISOString().slice(0, 10), rounds };

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

function saveResult(): void {
  if (values.json) write(values.json, `${JSON.stringify(result, undefined, 2)}\n`);
}

/** A long comparison is saved network by network. */
function saveRows(rows: readonly InferenceRow[]): void {
  result.inference = rows;
  saveResult();
}

const sections = {
  inference: () => inferenceRows({ network, precision, threads, rounds }, saveRows),
  train: () => trainingRows(threads, network, rounds, profile),
  memory: () => memoryRows(30, network),
  accuracy: () => accuracyRows(network ?? "vanilla-compact", threads, Number(values.epochs), Number(values.seeds)),
  kernels: () => kernelRows(network),
  arithmetic: async () => ({
    grouped: await groupedRows(network),
    withoutMultiplication: await arithmeticRows(network),
    composed: await composedRows(network, rounds),
  }),
  "shift-max": () => shiftMaxRows(network),
  size: () => sizeRows(),
  start: () => startRows(network),
  ways: () => wayRows(network, rounds),
} as const;

const names = Object.keys(sections) as (keyof typeof sections)[];
const asked = names.filter((name) => values[name]);
const chosen = asked.length > 0 ? asked : (["inference", "train", "memory", "arithmetic"] as const);

for (const name of chosen) result[name] = await sections[name]();
saveResult();
if (values.json === "") console.log(JSON.stringify(result, undefined, 2));
if (values.picture) write(values.picture, ratioPicture(result.inference as InferenceRow[], machine()));
