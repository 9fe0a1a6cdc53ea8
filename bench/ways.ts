/**
 * Our engine against itself: without relaxed SIMD beside with it, two threads beside one, for inference in floats and integers and for training. Turns
 * alternate, medians; two threads need a machine with two idle cores.
 */
import { compile } from "../src/index.ts";
import { compileIntegers } from "../src/model/compileIntegers.ts";
import { compared, contestOf, samplesLike } from "./inference.ts";
import { interleave, timed } from "./interleave.ts";
import { openTrainingSession, trainingNetworks } from "./trainingSession.ts";

/** One line of the result. */
export interface WayRow {
  readonly network: string;
  readonly work: "f32" | "int8" | "training";
  readonly milliseconds: number;
  /** Time without relaxed SIMD over the time with it, one thread. */
  readonly plainRatio?: number;
  /** Time of one thread over that of two. */
  readonly speedUp: number;
}

type Opened = Disposable & { runInPlace(): void };
type Opener = (options: { readonly threads?: number; readonly isRelaxedAllowed?: boolean }) => Promise<Opened>;

async function measure(network: string, work: WayRow["work"], open: Opener, rounds: number): Promise<WayRow> {
  using one = await open({});
  using two = await open({ threads: 2 });
  // Training is fixed to the fastest instructions.
  using plain = work === "training" ? undefined : await open({ isRelaxedAllowed: false });
  const turns = Object.entries({ one, two, plain }).filter((entry): entry is [string, Opened] => entry[1] !== undefined);
  const times = await interleave(
    Object.fromEntries(turns.map(([name, session]) => [name, timed(() => session.runInPlace(), 300)])),
    rounds,
  );
  const row = {
    network,
    work,
    milliseconds: times.one,
    ...(plain ? { plainRatio: times.plain / times.one } : {}),
    speedUp: times.one / times.two,
  };
  const without = row.plainRatio ? `, without relaxed SIMD ${row.plainRatio.toFixed(2)} ×` : "";
  console.error(
    `${network.padEnd(20)} ${work.padEnd(8)} ${times.one.toFixed(2).padStart(8)} ms${without}, two threads ${row.speedUp.toFixed(2)} × as fast`,
  );
  return row;
}

/** Measures the networks of the comparison with other engines, or those whose name contains `part`. */
export async function wayRows(part = "", rounds = 5): Promise<WayRow[]> {
  const rows: WayRow[] = [];
  for (const network of compared.filter((name) => name.includes(part))) {
    const { graph, weights, image } = await contestOf(network, 1);
    rows.push(await measure(network, "f32", (options) => compile(graph, weights, options), rounds));
    rows.push(await measure(network, "int8", (options) => compileIntegers(graph, weights, samplesLike(image), options), rounds));
  }
  for (const network of trainingNetworks.filter(({ name }) => name.includes(part)))
    rows.push(await measure(network.name, "training", ({ threads = 1 }) => openTrainingSession(network, 64, threads), rounds));
  return rows;
}
