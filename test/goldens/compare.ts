import { formatShape, isSameShape, type Shape } from "../../src/core/shape.ts";
import type { NumericArray } from "../../src/core/tensor.ts";

/** A difference that is too large: ends the replay of a fixture with its text. */
export class Mismatch extends Error {}

/** How far a backend may be from the float64 numbers of the fixtures. */
export interface Tolerances {
  /** Outputs and gradients of one block, relative to the largest element. */
  readonly block: number;
  /** Logits, stages and running statistics of a network. */
  readonly logits: number;
  /** Gradients of a network; in float32 the least that is asked, else three times what PyTorch's own float32 run reaches. */
  readonly gradients: number;
  readonly isFloat32: boolean;
}

/** Tolerances of the fixtures' README by backend. */
export const tolerancesOf: Readonly<Record<string, Tolerances>> = {
  reference: { block: 1e-6, logits: 1e-6, gradients: 1e-5, isFloat32: false },
  wasm: { block: 2e-5, logits: 1e-4, gradients: 1e-4, isFloat32: true },
};

/** A number as reports show it. */
export function show(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toPrecision(3);
}

/** Ends the replay unless the claim holds. */
export function expect(holds: boolean, message: () => string): asserts holds {
  if (!holds) throw new Mismatch(message());
}

/** The largest absolute element. */
export function largest(data: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < data.length; i++) most = Math.max(most, Math.abs(data[i]));
  return most;
}

/** The shapes must agree. */
export function expectShape(what: string, found: Shape, needed: Shape): void {
  expect(isSameShape(found, needed), () => `${what}: shape ${formatShape(found)}, needed ${formatShape(needed)}`);
}

/** Every element within `tolerance` of the largest needed one (or of `scale`, where that is more); NaN counts as a difference. */
export function expectNear(
  what: string,
  found: ArrayLike<number>,
  needed: ArrayLike<number>,
  { tolerance, scale = 0 }: { readonly tolerance: number; readonly scale?: number },
): void {
  expect(found.length === needed.length, () => `${what}: ${found.length} elements, needed ${needed.length}`);
  let worst = 0;
  for (let i = 0; i < needed.length; i++) {
    const off = Math.abs(found[i] - needed[i]);
    if (Number.isNaN(off)) worst = Number.POSITIVE_INFINITY;
    else worst = Math.max(worst, off);
  }
  const range = Math.max(largest(needed), scale);
  const error = worst === 0 ? 0 : worst / range;
  expect(error <= tolerance, () => `${what}, error ${show(error)} (at most ${show(tolerance)})`);
}

/** Elements as numbers, 64-bit integers included. */
export function asNumbers(data: NumericArray): ArrayLike<number> {
  return data instanceof BigInt64Array ? Array.from(data, Number) : data;
}
