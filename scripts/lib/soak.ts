/** Runs and openings by the thousand, with the memory of the process watched. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { openRunner } from "../../src/deploy/loader.ts";
import { compileFile } from "../../src/deploy/wasmFile.ts";
import { openClassifier } from "../../src/model/classifier.ts";
import type { Model } from "../../src/model/model.ts";
import { modelGraph } from "../../src/model/modelGraph.ts";
import { optimise } from "../../src/passes/index.ts";
import { initialise } from "../../src/train/initialise.ts";

/** Megabytes of the process (resident) and of memory outside the JavaScript heap, early and at the end, after collections of garbage. */
export interface SoakRow {
  readonly what: string;
  readonly count: number;
  readonly earlyMB: number;
  readonly lateMB: number;
  readonly mostMB: number;
  readonly earlyOutsideMB: number;
  readonly lateOutsideMB: number;
}

const MB = 1e6;
/** Share of the rounds after which memory is taken for settled: code has been compiled, pools have filled. */
const SETTLED = 0.2;
const SAMPLES = 50;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

function model(): Model {
  const labels = ["a", "b", "c", "d"];
  const preprocessing = { size: 32, channels: 3, fit: "crop", mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] } as const;
  const card = { network: "mobilenet-v2", options: { width: 0.25, isSmallImage: true }, labels, preprocessing };
  return { ...card, weights: initialise(modelGraph(card), 1), provenance: {}, metrics: {} };
}

/** Repeats something and samples memory on the way. */
async function soak(what: string, count: number, turn: (i: number) => Promise<void> | void): Promise<SoakRow> {
  const samples: { readonly rss: number; readonly outside: number }[] = [];
  const every = Math.max(1, Math.floor(count / SAMPLES));
  for (let i = 0; i < count; i++) {
    await turn(i);
    if ((i + 1) % every !== 0) continue;
    collect();
    // Threads end, and memory is given back, between turns of the event loop.
    await new Promise((resolve) => setTimeout(resolve, 10));
    const { rss, external } = process.memoryUsage();
    samples.push({ rss: rss / MB, outside: external / MB });
  }
  const settled = samples.slice(Math.floor(samples.length * SETTLED));
  const [early, late] = [settled[0], settled[settled.length - 1]];
  return {
    what,
    count,
    earlyMB: early.rss,
    lateMB: late.rss,
    mostMB: Math.max(...settled.map(({ rss }) => rss)),
    earlyOutsideMB: early.outside,
    lateOutsideMB: late.outside,
  };
}

/** Runs of one session; sessions opened, run and closed with one thread and two in turn; compiled files loaded and run. */
export async function soakRows(
  runs: number,
  cycles: number,
  threads: number,
  onRow: (row: SoakRow) => void = () => {},
): Promise<SoakRow[]> {
  const held = model();
  const pixels = Uint8Array.from({ length: 32 * 32 * 3 }, (_, i) => (i * 37) & 255);
  const rows: SoakRow[] = [];
  const add = async (row: Promise<SoakRow>): Promise<void> => {
    rows.push(await row);
    onRow(rows[rows.length - 1]);
  };
  {
    using classifier = await openClassifier(held, { threads });
    await add(soak("runs", runs, () => void classifier.logits(pixels)));
  }
  const cycle = async (i: number): Promise<void> => {
    using classifier = await openClassifier(held, { threads: 1 + (i % 2) });
    classifier.logits(pixels);
  };
  await add(soak("open, run, close", cycles, cycle));
  const { graph, weights } = optimise(modelGraph(held), held.weights);
  const { wasm } = await compileFile(graph, weights, held);
  await add(soak("load compiled, run", cycles, async () => (await openRunner(wasm)).runInPlace()));
  return rows;
}
