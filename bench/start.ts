/** How long a network takes from its weights in memory to its first result: building, compiling, one run. Each figure from cold processes. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { median } from "../src/core/median.ts";

/** Milliseconds, medians over the processes. */
export interface StartRow {
  readonly network: string;
  readonly processes: number;
  readonly build: number;
  readonly compile: number;
  readonly firstRun: number;
  readonly total: number;
  readonly secondRun: number;
}

const figures = ["build", "compile", "firstRun", "total", "secondRun"] as const;
type Figures = Record<(typeof figures)[number], number>;

function coldProcess(network: string): Figures {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, "coldStart.ts"), network], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`a cold process failed: ${stderr}`);
  return JSON.parse(stdout);
}

/** Starts a network in so many processes, one after the other. */
export function startRows(network = "mobilenet-v2", processes = 11): StartRow[] {
  const rows = Array.from({ length: processes }, () => coldProcess(network));
  const medians = Object.fromEntries(figures.map((name) => [name, median(rows.map((row) => row[name]))])) as Figures;
  console.error(
    `${network}: first result after ${medians.total.toFixed(1)} ms, of which the run ${medians.firstRun.toFixed(1)} (later ${medians.secondRun.toFixed(1)})`,
  );
  return [{ network, processes, ...medians }];
}
