/** Training speed: one step (forward, backward, update) of batch 64 on random images, beside PyTorch's better memory layout. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { Session } from "../src/engine/session.ts";
import { measureCost } from "../src/profile/measuredCost.ts";
import { interleave, timed } from "./interleave.ts";
import { openTrainingSession, trainingNetworks } from "./trainingSession.ts";

const BATCH = 64;

/** One line of the result. */
export interface TrainingRow {
  readonly network: string;
  readonly threads: number;
  readonly batch: number;
  readonly imagesPerSecond: number;
  readonly pytorchImagesPerSecond?: number;
  /** Ours over PyTorch's best; above 1 we are faster. */
  readonly ratio?: number;
  readonly fallbacks: number;
  readonly arenaMB: number;
}

interface Peer {
  readonly version: string;
  step(network: string, threads: number): Promise<number>;
  close(): void;
}

/** Debian's PyTorch as a child that answers questions; undefined where it is not installed. */
async function openPyTorch(): Promise<Peer | undefined> {
  const script = fileURLToPath(new URL("./peers/pytorch.py", import.meta.url));
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn("/usr/bin/python3", [script], { stdio: ["pipe", "pipe", "ignore"] });
  child.on("error", () => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const first = await lines.next();
  if (first.done) return undefined;
  return {
    version: first.value,
    async step(network, threads) {
      child.stdin.write(`${network} ${threads} ${BATCH}\n`);
      return Number((await lines.next()).value);
    },
    close: () => child.kill(),
  };
}

/** Measures every network on so many threads. */
export async function trainingRows(threads: number, only: string | undefined, rounds = 3, isProfiled = false): Promise<TrainingRow[]> {
  const peer = await openPyTorch();
  if (!peer) console.error("PyTorch is not installed (Debian: python3-torch, python3-torchvision); measuring ours alone");
  const rows: TrainingRow[] = [];
  for (const network of trainingNetworks) {
    if (only && network.name !== only) continue;
    using session = await openTrainingSession(network, BATCH, threads);
    if (isProfiled) printProfile(session);
    const times = await interleave(
      { ours: timed(() => session.runInPlace(), 1000), ...(peer ? { pytorch: () => peer.step(network.name, threads) } : {}) },
      rounds,
    );
    const imagesPerSecond = (1000 * BATCH) / times.ours;
    const peers = peer ? { pytorchImagesPerSecond: (1000 * BATCH) / times.pytorch, ratio: times.pytorch / times.ours } : {};
    rows.push({
      network: network.name,
      threads,
      batch: BATCH,
      imagesPerSecond,
      ...peers,
      fallbacks: session.fallbacks.length,
      arenaMB: session.bytes / 1e6,
    });
    console.error(rows.at(-1));
  }
  peer?.close();
  return rows;
}

function printProfile(session: Session): void {
  const { rows, milliseconds } = measureCost(session, 3);
  const byOp = new Map<string, number>();
  for (const row of rows) byOp.set(row.op, (byOp.get(row.op) ?? 0) + row.milliseconds);
  console.error(`whole step ${milliseconds.toFixed(2)} ms`);
  for (const [op, ms] of [...byOp].sort((a, b) => b[1] - a[1])) console.error(`  ${op.padEnd(28)} ${ms.toFixed(2)} ms`);
  for (const row of [...rows].sort((a, b) => b.milliseconds - a.milliseconds).slice(0, 25)) {
    console.error(`  ${row.milliseconds.toFixed(3).padStart(8)} ms  ${row.op} ${row.scope}  ${row.kernel.slice(0, 90)}`);
  }
}
