/**
 * npm run bench [-- --inference] [--train] [--memory] [--accuracy] [--kernels] [--arithmetic] [--shift-max] [--network NAME] [--threads N] [--rounds N] [--epochs N] [--seeds N] [--profile] [--json FILE]
 *
 * Ratios against peers, taken in one run, turns interleaved, medians. Without a section: inference, training and memory. For figures of
 * one thread pin the process to one core (taskset -c 1 npm run bench).
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { accuracyRows } from "./accuracy.ts";
import { arithmeticRows, composedRows, groupedRows } from "./arithmetic.ts";
import { inferenceRows } from "./inference.ts";
import { kernelRows } from "./kernels.ts";
import { machine } from "./machine.ts";
import { memoryRows } from "./memory.ts";
import { shiftMaxRows } from "./shiftMax.ts";
import { trainingRows } from "./training.ts";

const flag = { type: "boolean", default: false } as const;
const { values } = parseArgs({
  options: {
    ...{ inference: flag, train: flag, memory: flag, accuracy: flag, kernels: flag, arithmetic: flag, "shift-max": flag, profile: flag },
    network: { type: "string" },
    threads: { type: "string", default: "1" },
    epochs: { type: "string", default: "10" },
    seeds: { type: "string", default: "3" },
    rounds: { type: "string", default: "5" },
    json: { type: "string" },
  },
});

const threads = Number(values.threads);
const rounds = Number(values.rounds);
const { network, profile } = values;

const sections = {
  inference: () => inferenceRows(threads, network, rounds),
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
} as const;

const names = Object.keys(sections) as (keyof typeof sections)[];
const asked = names.filter((name) => values[name]);
const chosen = asked.length > 0 ? asked : (["inference", "train", "memory"] as const);

const result: Record<string, unknown> = { machine: machine(), date: new Date().toISOString().slice(0, 10) };
for (const name of chosen) result[name] = await sections[name]();
if (values.json) {
  mkdirSync(dirname(values.json), { recursive: true });
  writeFileSync(values.json, `${JSON.stringify(result, undefined, 2)}\n`);
}
console.log(JSON.stringify(result));
