/** npm run bench [-- --train] [--network NAME] [--threads N] [--json FILE]: ratios against peers, taken in one run. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { inferenceRows } from "./inference.ts";
import { kernelRows } from "./kernels.ts";
import { machine } from "./machine.ts";
import { memoryRows } from "./memory.ts";
import { trainingRows } from "./training.ts";

const { values } = parseArgs({
  options: {
    train: { type: "boolean", default: false },
    memory: { type: "boolean", default: false },
    kernels: { type: "boolean", default: false },
    profile: { type: "boolean", default: false },
    network: { type: "string" },
    threads: { type: "string", default: "1" },
    rounds: { type: "string", default: "5" },
    json: { type: "string" },
  },
});

const threads = Number(values.threads);
const result: Record<string, unknown> = { machine: machine(), date: new Date().toISOString().slice(0, 10) };
const rounds = Number(values.rounds);
if (values.kernels) result.kernels = await kernelRows(values.network);
if (values.memory) result.memory = await memoryRows(30, values.network);
if (!values.train && !values.memory && !values.kernels) result.inference = await inferenceRows(threads, values.network, rounds);
if (values.train) result.training = await trainingRows(threads, values.network, rounds, values.profile);
if (values.json) {
  mkdirSync(dirname(values.json), { recursive: true });
  writeFileSync(values.json, `${JSON.stringify(result, undefined, 2)}\n`);
}
console.log(JSON.stringify(result));
