/** Inference, batch 1: ours against other engines on the same weights; outputs compared first, turns interleaved. All of them compute in the calling thread. */
import { readFileSync } from "node:fs";
import { OptionError } from "../src/core/errors.ts";
import { random } from "../src/core/random.ts";
import { type Shape, size } from "../src/core/shape.ts";
import type { Tensor } from "../src/core/tensor.ts";
import { compile } from "../src/index.ts";
import { compileIntegers } from "../src/model/compileIntegers.ts";
import { loadModel } from "../src/model/model.ts";
import { modelGraph } from "../src/model/modelGraph.ts";
import { buildNetwork, findNetwork, networks } from "../src/networks/index.ts";
import { interleave, type Turn } from "./interleave.ts";
import { livelyWeights } from "./livelyWeights.ts";
import { onnxruntimeNode, onnxruntimeWeb } from "./peers/onnxruntime.ts";
import type { Contest, Peer, PeerSession } from "./peers/peer.ts";
import { tfjsWasm } from "./peers/tfjs.ts";

/** One line of the result. */
export interface InferenceRow {
  readonly network: string;
  readonly size: number;
  readonly precision: Precision;
  readonly threads: number;
  readonly peer: string;
  readonly oursMs: number;
  readonly peerMs: number;
  /** Ours over the peer's; below 1 we are faster. */
  readonly ratio: number;
  /** Largest difference of the outputs, over the largest output. */
  readonly maxError: number;
  readonly fallbacks: number;
}

/** Networks compared unless some are named. */
export const compared = [
  ...["mobilenet-v1", "mobilenet-v2", "mobilenet-v3-small", "mobilenet-v3-large"],
  ...["shufflenet-v2", "squeezenet-1.1", "efficientnet-b0"],
] as const;

const peers: readonly Peer[] = [onnxruntimeWeb, onnxruntimeNode, tfjsWasm];

/** Milliseconds of a turn, and of the running in that makes engines finish compiling. */
const TURN = 150;
const RUN_IN = 1000;

/** How our side runs, by the type of its numbers; peers always run float32. */
const openers = {
  f32: ({ graph, weights, threads }: Contest) => compile(graph, weights, { threads }),
  int8: ({ graph, weights, image, threads }: Contest) => compileIntegers(graph, weights, samplesLike(image), { threads }),
} as const;

type Precision = keyof typeof openers;

/** What to compare. */
export interface InferenceOptions {
  /** Names with commas between them, or "all". */
  readonly network: string | undefined;
  readonly precision: string;
  readonly threads: number;
  readonly rounds: number;
}

function imageOf(shape: Shape, stream: string): Tensor {
  const { uniform } = random(2, stream);
  return { shape, data: Float32Array.from({ length: size(shape) }, (_, i) => 3 * uniform(i) - 1.5) };
}

/** Images to calibrate integers on. */
export function samplesLike({ shape }: Tensor): readonly Readonly<Record<string, Tensor>>[] {
  return Array.from({ length: 8 }, (_, i) => ({ image: imageOf(shape, `sample ${i}`) }));
}

/** A network of the zoo on lively weights, or a model file's on its own, and an image. */
export async function contestOf(network: string, threads: number): Promise<Contest> {
  const { graph, weights } = await weighted(network);
  const { shape } = graph.leaves.find(({ kind }) => kind === "input") as { shape: Shape };
  return { graph, weights, image: imageOf(shape, "image"), threads };
}

async function weighted(network: string): Promise<Pick<Contest, "graph" | "weights">> {
  if (network.endsWith(".safetensors")) {
    const model = await loadModel(readFileSync(network), network);
    return { graph: modelGraph(model), weights: model.weights };
  }
  const graph = buildNetwork(network);
  return { graph, weights: livelyWeights(graph) };
}

function errorOf(found: Float32Array, expected: Float32Array): number {
  const most = expected.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  return found.reduce((max, value, i) => Math.max(max, Math.abs(value - expected[i])), 0) / most;
}

/** How far outputs may be apart, over the largest, before no time is worth reporting: integers round, and untrained weights have no label that stands out. */
const mostErrors: Readonly<Record<Precision, number>> = { f32: 1e-4, int8: 0.25 };

type Clock = () => number;

/** Milliseconds that this thread has computed: with one thread, what other programs do on the machine then counts for nobody. */
function threadTime(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** One run, so often that a turn lasts long enough. */
function turnOf(repeat: (times: number) => unknown, clock: Clock): Turn {
  let times = 1;
  return async () => {
    for (;;) {
      const start = clock();
      await repeat(times);
      const spent = clock() - start;
      if (spent >= TURN) return spent / times;
      // The clock may stand still for some milliseconds.
      times = Math.min(8 * times, Math.ceil((times * TURN * 1.2) / Math.max(spent, 0.01)));
    }
  };
}

async function runIn(work: () => unknown): Promise<void> {
  for (const start = performance.now(); performance.now() - start < RUN_IN; ) await work();
}

async function compareOne(network: string, precision: Precision, threads: number, rounds: number): Promise<InferenceRow[]> {
  const contest = await contestOf(network, threads);
  using session = await openers[precision](contest);
  const { logits } = session.run({ image: contest.image });
  const rivals: { name: string; maxError: number; session: PeerSession }[] = [];
  for (const peer of peers) {
    const opened = await peer.open(contest);
    if (!opened) continue;
    const expected = await opened.run();
    const maxError = errorOf(logits.data, expected);
    if (!(maxError <= mostErrors[precision]))
      throw new Error(`${network}: our outputs and those of ${peer.name} differ by ${maxError} of the largest`);
    rivals.push({ name: peer.name, maxError, session: opened });
  }
  // All engines' code is compiled anew in the background while it is hot; none is timed on code that it then drops.
  await runIn(() => session.runInPlace());
  for (const rival of rivals) await runIn(() => rival.session.repeat(1));
  const clock: Clock = threads === 1 && "threadCpuUsage" in process ? threadTime : () => performance.now();
  const turns = Object.fromEntries(rivals.map((rival) => [rival.name, turnOf((times) => rival.session.repeat(times), clock)]));
  const ours = turnOf((times) => {
    for (let i = 0; i < times; i++) session.runInPlace();
  }, clock);
  const times = await interleave({ ours, ...turns }, rounds);
  for (const rival of rivals) await rival.session.close();
  const shared = { network, size: contest.image.shape[2], precision, threads };
  return rivals.map(({ name: peer, maxError }) => {
    const [oursMs, peerMs] = [times.ours, times[peer]];
    return { ...shared, peer, oursMs, peerMs, ratio: oursMs / peerMs, maxError, fallbacks: session.fallbacks.length };
  });
}

function precisionOf(given: string): Precision {
  const known = Object.keys(openers);
  if (!known.includes(given)) throw new OptionError(`precision must be one of ${known.join(", ")}, not "${given}"`);
  return given as Precision;
}

/** Compares the named networks, all of the registry, or those of the table above; `report` gets the rows so far after each. */
export async function inferenceRows(
  { network, precision, threads, rounds }: InferenceOptions,
  report: (rows: readonly InferenceRow[]) => void,
): Promise<InferenceRow[]> {
  const names = network === "all" ? Object.keys(networks) : (network?.split(",") ?? compared);
  for (const name of names) if (!name.endsWith(".safetensors")) findNetwork(name);
  const rows: InferenceRow[] = [];
  const failed: string[] = [];
  for (const name of names) {
    try {
      const found = await compareOne(name, precisionOf(precision), threads, rounds);
      for (const row of found) console.error(lineOf(row));
      rows.push(...found);
      report(rows);
    } catch (error) {
      // The others' rows are worth having; the command fails at the end.
      failed.push(error instanceof Error ? error.message : String(error));
      console.error(failed.at(-1));
    }
  }
  if (failed.length > 0) throw new Error(`not compared:\n${failed.join("\n")}`);
  return rows;
}

/** A row as a line of text. */
function lineOf({ network, size: side, precision, threads, peer, oursMs, peerMs, ratio, maxError, fallbacks }: InferenceRow): string {
  const numbers = [oursMs, peerMs].map((ms) => ms.toFixed(2).padStart(9)).join(" ms / ");
  const left = fallbacks > 0 ? `, ${fallbacks} nodes on the reference` : "";
  const what = `${network} ${side}² ${precision} ${threads > 1 ? `${threads} threads ` : ""}`.padEnd(34);
  return `${what} ${peer.padEnd(17)} ${numbers} ms = ${ratio.toFixed(3)}, outputs within ${maxError.toExponential(0)}${left}`;
}
