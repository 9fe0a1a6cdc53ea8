import { median } from "../core/median.ts";
import type { ProfileRow, Session } from "../engine/session.ts";

/** One node's measured time: the median over the runs, its kernels' names joined. */
export interface MeasuredRow {
  readonly op: string;
  readonly scope: string;
  readonly kernel: string;
  readonly milliseconds: number;
}

/** A session's time, whole and by node. */
export interface MeasuredCost {
  readonly rows: readonly MeasuredRow[];
  /** Median milliseconds of one whole run (not the sum of the rows: steps are timed one by one there). */
  readonly milliseconds: number;
  /** Nodes without a kernel. */
  readonly fallbacks: number;
}

const WARM_UP_MS = 500;

/** Runs a session on what its inputs hold, `runs` times whole and `runs` times step by step. */
export function measureCost(session: Session, runs = 20): MeasuredCost {
  warmUp(session);
  const whole = Array.from({ length: runs }, () => {
    const start = performance.now();
    session.runInPlace();
    return performance.now() - start;
  });
  const profiles = Array.from({ length: runs }, () => session.profile());
  const steps = profiles[0].map((row, i) => ({ ...row, milliseconds: median(profiles.map((profile) => profile[i].milliseconds)) }));
  return { rows: byNode(steps), milliseconds: median(whole), fallbacks: session.fallbacks.length };
}

/** Engines compile hot WebAssembly anew, in the background: without this the first runs would be timed on code that nobody keeps. */
function warmUp(session: Session): void {
  const start = performance.now();
  for (let i = 0; i < 3 || performance.now() - start < WARM_UP_MS; i++) session.runInPlace();
}

/** Neighbouring steps of one node become one row. */
function byNode(steps: readonly ProfileRow[]): MeasuredRow[] {
  const rows: MeasuredRow[] = [];
  for (const { op, scope, kernel, milliseconds } of steps) {
    const before = rows.at(-1);
    if (before && before.op === op && before.scope === scope) {
      rows[rows.length - 1] = { ...before, kernel: `${before.kernel}; ${kernel}`, milliseconds: before.milliseconds + milliseconds };
    } else rows.push({ op, scope, kernel, milliseconds });
  }
  return rows;
}
