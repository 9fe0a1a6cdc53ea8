/** Memory while training at batch 64: the process's size after every step; from the second step on it must stay flat. */
import { openTrainingSession, trainingNetworks } from "./trainingSession.ts";

/** Megabytes of the process after the second and the last step, and the most in between. */
export interface MemoryRow {
  readonly network: string;
  readonly batch: number;
  readonly steps: number;
  readonly arenaMB: number;
  readonly secondStepMB: number;
  readonly lastStepMB: number;
  readonly mostMB: number;
}

const MB = 1e6;

/** Trains each network for some steps and watches. */
export async function memoryRows(steps: number, only: string | undefined): Promise<MemoryRow[]> {
  const rows: MemoryRow[] = [];
  for (const network of trainingNetworks) {
    if (only && network.name !== only) continue;
    using session = await openTrainingSession(network, 64, 1);
    const sizes = Array.from({ length: steps }, () => {
      session.runInPlace();
      return process.memoryUsage().rss / MB;
    });
    const after = sizes.slice(1);
    rows.push({
      network: network.name,
      batch: 64,
      steps,
      arenaMB: session.bytes / MB,
      secondStepMB: after[0],
      lastStepMB: after[after.length - 1],
      mostMB: Math.max(...after),
    });
    console.error(rows.at(-1));
  }
  return rows;
}
