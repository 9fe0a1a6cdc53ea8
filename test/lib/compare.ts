import assert from "node:assert/strict";
import type { Tolerance } from "../tolerances.ts";

/** The largest error between two arrays and the largest wanted magnitude, non-finite elements compared by identity. */
function largestError(found: ArrayLike<number>, wanted: ArrayLike<number>): { error: number; at: number; scale: number } {
  let error = 0;
  let at = -1;
  let scale = 0;
  for (let i = 0; i < wanted.length; i++) {
    if (Object.is(found[i], wanted[i])) continue;
    const difference = Math.abs(found[i] - wanted[i]);
    if (!(difference <= error)) {
      error = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
      at = i;
    }
  }
  for (let i = 0; i < wanted.length; i++) if (Number.isFinite(wanted[i])) scale = Math.max(scale, Math.abs(wanted[i]));
  return { error, at, scale };
}

/** Fails, naming the worst element, where two arrays differ by more than the tolerance. */
export function assertClose(found: ArrayLike<number>, wanted: ArrayLike<number>, { relative, absolute }: Tolerance, what: string): void {
  assert.equal(found.length, wanted.length, `${what}: number of elements`);
  const { error, at, scale } = largestError(found, wanted);
  const allowed = relative * scale + absolute;
  assert.ok(error <= allowed, `${what}: element ${at} is ${found[at]}, wanted ${wanted[at]} (error ${error}, allowed ${allowed})`);
}
