/** Networks side by side: counted, measured in turns, trained under one recipe. */

import { wasmBackend } from "../backends/wasm/index.ts";
import { median } from "../core/median.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Preprocessing } from "../data/preprocessing.ts";
import type { Parts } from "../data/split.ts";
import type { Session } from "../engine/session.ts";
import type { Operations } from "../ir/op.ts";
import { familyOf } from "../networks/families.ts";
import { type BuildOptions, buildNetwork, findNetwork, type NetworkOptions } from "../networks/index.ts";
import { optimise } from "../passes/index.ts";
import { staticCost } from "../profile/staticCost.ts";
import { initialise } from "../train/initialise.ts";
import type { TrainingEvent } from "../train/loop.ts";
import type { Recipe } from "../train/recipe.ts";
import { fitNetwork } from "./fitNetwork.ts";

/** One network to compare, with its options and what to call it. */
export interface Candidate {
  readonly label: string;
  readonly network: string;
  readonly options: NetworkOptions;
}

/** Images that all are built for; what is left out is each network's own. */
export interface ComparisonPlace {
  readonly size?: number;
  readonly channels?: number;
  readonly classes?: number;
}

/** What is known of a candidate: its cost, and what was measured and learned. */
export interface ComparisonRow extends Candidate, Operations {
  /** Family or design: circles of one group share a colour. */
  readonly group: string;
  readonly size: number;
  readonly params: number;
  /** Of one image, the median of runs that took turns with the other candidates'. */
  readonly milliseconds?: number;
  /** Of the test part, or where there is none of the validation part's best epoch. */
  readonly accuracy?: number;
  readonly epochs?: number;
  readonly trainingSeconds?: number;
}

function buildOf({ network, options }: Candidate, { size, channels, classes }: ComparisonPlace): BuildOptions {
  const own = findNetwork(network).classes;
  const chosen = classes ?? own;
  return {
    ...options,
    ...(size === undefined ? {} : { size }),
    ...(channels === undefined ? {} : { channels }),
    ...(chosen === undefined ? {} : { classes: chosen }),
  };
}

/** Builds and counts a candidate; throws OptionError or ShapeError where it cannot be built. */
export function countCandidate(candidate: Candidate, place: ComparisonPlace): ComparisonRow {
  const { network, options } = candidate;
  const cost = staticCost(buildNetwork(network, buildOf(candidate, place)));
  const { params, macs, adds, multiplications, comparisons, integerAdds } = cost;
  const group = options.conv ?? options.arithmetic ?? familyOf(network)?.name ?? network;
  const size = place.size ?? findNetwork(network).inputSize;
  return { ...candidate, group, size, params, macs, adds, multiplications, comparisons, integerAdds };
}

/** Bytes of weights that are open at one time; more are measured in several groups. */
const MOST_WEIGHTS = 600e6;
const ROUNDS = 21;
/** A network that is slow runs fewer rounds, but these. */
const LEAST_ROUNDS = 5;
const MOST_MS = 3000;
const WARM_UP_MS = 250;

/** How candidates are measured. */
export interface MeasureOptions {
  readonly threads?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, label: string) => void;
}

async function openCandidate(row: ComparisonRow, place: ComparisonPlace, threads: number): Promise<Session> {
  const graph = buildNetwork(row.network, buildOf(row, place));
  const { graph: optimised, weights } = optimise(graph, initialise(graph, 0));
  const session = await wasmBackend.open(optimised, weights, { threads });
  session.view("image").data.fill(0.5);
  const start = performance.now();
  for (let i = 0; i < 2 || performance.now() - start < WARM_UP_MS; i++) session.runInPlace();
  return session;
}

function groupsOf(rows: readonly ComparisonRow[]): ComparisonRow[][] {
  const groups: ComparisonRow[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const row of rows) {
    bytes += 4 * row.params;
    if (bytes > MOST_WEIGHTS) {
      groups.push([]);
      bytes = 4 * row.params;
    }
    groups[groups.length - 1].push(row);
  }
  return groups;
}

/** Times one run of each in turn, many times, so that what disturbs the machine disturbs all; gives medians in the order of the rows. */
export async function measureCandidates(
  rows: readonly ComparisonRow[],
  place: ComparisonPlace,
  options: MeasureOptions = {},
): Promise<readonly number[]> {
  const { threads = 1, signal, onProgress } = options;
  const times = new Map<ComparisonRow, number[]>(rows.map((row) => [row, []]));
  let opened = 0;
  for (const group of groupsOf(rows)) {
    const sessions: { row: ComparisonRow; session: Session; spent: number }[] = [];
    try {
      for (const row of group) {
        signal?.throwIfAborted();
        onProgress?.(opened++, row.label);
        sessions.push({ row, session: await openCandidate(row, place, threads), spent: 0 });
      }
      for (let round = 0; round < ROUNDS; round++) {
        for (const each of sessions) {
          signal?.throwIfAborted();
          if (each.spent > MOST_MS && round >= LEAST_ROUNDS) continue;
          const start = performance.now();
          each.session.runInPlace();
          const took = performance.now() - start;
          each.spent += took;
          times.get(each.row)?.push(took);
        }
        // Lets an interruption be heard.
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
    } finally {
      for (const { session } of sessions) session.dispose();
    }
  }
  return rows.map((row) => median(times.get(row) as number[]));
}

/** What all candidates are trained on, and how. */
export interface ComparisonTraining {
  readonly data: Dataset;
  readonly parts: Parts;
  readonly preprocessing: Preprocessing;
  readonly recipe: Recipe;
  readonly seed?: number;
  readonly threads?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (event: TrainingEvent) => void;
}

/** Trains a candidate and adds what it learned. */
export async function trainCandidate(row: ComparisonRow, training: ComparisonTraining): Promise<ComparisonRow> {
  const { result } = await fitNetwork({ ...training, network: row.network, options: row.options });
  const accuracy = result.test?.accuracy ?? result.best.validation?.accuracy ?? result.best.accuracy;
  return { ...row, accuracy, epochs: result.epochs.length, trainingSeconds: result.seconds };
}
