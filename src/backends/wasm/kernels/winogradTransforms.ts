/**
 * Winograd's minimal filtering, arXiv 1509.09308: m outputs of three taps from n = m + 2 inputs with n products instead of 3m. Inputs, weights and
 * products are values of polynomials at n points: 0, pairs ±p, and infinity; because the points come in pairs, even and odd parts are shared.
 *
 *   with E(x²) = Π (x² − p²), Q = E / (x² − p²), N = 2p² · Q(p²), and each polynomial's coefficients standing for inputs two apart:
 *   input    0: E(d0, d2, …)   ±p: Q(d2, d4, …) ± p · Q(d1, d3, …)        ∞: E(d1, d3, …)
 *   weight   0: g0 / E(0)      ±p: ((g0 + p² g2) ± p g1) / N              ∞: g2
 *   output j: [j = 0] m(0) + Σ p^j (m(p) + (−1)^j m(−p)) + [j = m − 1] m(∞)
 *
 * Points: ±1 for two outputs; ±√½ and ±√2 for four, which round three times less than ±1 and ±2.
 */
import { type Code, f32x4, type Local, type V128 } from "../assembler.ts";
import type { Arguments, Fields } from "../module.ts";

/** One size of the algorithm. */
export interface Scheme {
  /** Outputs a side of a tile. */
  readonly outputs: number;
  /** Inputs a side of a tile. */
  readonly inputs: number;
  readonly points: readonly number[];
}

/** F(2×2, 3×3): 16 products instead of 36. */
export const two: Scheme = { outputs: 2, inputs: 4, points: [1] };

/** F(4×4, 3×3): 36 products instead of 144. */
export const four: Scheme = { outputs: 4, inputs: 6, points: [Math.SQRT1_2, Math.SQRT2] };

/** A polynomial in x² by its coefficients, lowest first: Π (x² − p²). */
function polynomial(points: readonly number[]): number[] {
  const times = (held: readonly number[], p: number): number[] =>
    Array.from({ length: held.length + 1 }, (_, i) => (held[i - 1] ?? 0) - p * p * (held[i] ?? 0));
  return points.reduce(times, [1]);
}

const evaluate = (coefficients: readonly number[], square: number): number => coefficients.reduceRight((sum, c) => sum * square + c, 0);

/** Products of roots that are whole numbers are to be so exactly: √½ · √2 is 1. */
const neat = (x: number): number => (Math.abs(x - Math.round(x)) < 1e-12 ? Math.round(x) : x);

type Term = readonly [coefficient: number, x: V128];
/** One line through a transform; `sum` writes the code of a weighted sum. */
type Transform = (scheme: Scheme, sum: (...terms: readonly Term[]) => Local<"v128">, x: readonly V128[]) => Local<"v128">[];

const weighted = (coefficients: readonly number[], x: readonly V128[], first: number): Term[] =>
  coefficients.map((c, i) => [neat(c), x[first + 2 * i]] as const);

/** n inputs to n values. */
export const transformInput: Transform = ({ points }, sum, d) => {
  const all = polynomial(points);
  const pairs = points.flatMap((p) => {
    const others = polynomial(points.filter((other) => other !== p));
    const [even, odd] = [sum(...weighted(others, d, 2)), sum(...weighted(others, d, 1))];
    return [sum([1, even], [p, odd]), sum([1, even], [-p, odd])];
  });
  return [sum(...weighted(all, d, 0)), ...pairs, sum(...weighted(all, d, 1))];
};

/** Three weights to n values. */
export const transformWeight: Transform = ({ points }, sum, [g0, g1, g2]) => {
  const pairs = points.flatMap((p) => {
    const others = polynomial(points.filter((other) => other !== p));
    const scale = 1 / (2 * p * p * evaluate(others, p * p));
    const even = sum([scale, g0], [scale * p * p, g2]);
    return [sum([1, even], [scale * p, g1]), sum([1, even], [-scale * p, g1])];
  });
  return [sum([neat(1 / polynomial(points)[0]), g0]), ...pairs, sum([1, g2])];
};

/** n products to m outputs. */
export const transformOutput: Transform = ({ outputs, points }, sum, m) => {
  const parts = points.map((_, i) => {
    const [plus, minus] = [m[1 + 2 * i], m[2 + 2 * i]];
    return { even: sum([1, plus], [1, minus]), odd: sum([1, plus], [-1, minus]) };
  });
  return Array.from({ length: outputs }, (_, j) => {
    const terms = parts.map(({ even, odd }, i): Term => [neat(points[i] ** j), j % 2 === 0 ? even : odd]);
    if (j === 0) terms.push([1, m[0]]);
    if (j === outputs - 1) terms.push([1, m[m.length - 1]]);
    return sum(...terms);
  });
};

/** Σ coefficient · x; other coefficients than ±1 are taken from `constant`. */
function sumOf(k: Code, constant: (magnitude: number) => V128, terms: readonly Term[]): Local<"v128"> {
  const [[c, x], ...rest] = [...terms].sort(([a], [b]) => Number(b === 1) - Number(a === 1));
  const scaled = c < 0 ? f32x4.neg(x) : x;
  let total: V128 = Math.abs(c) === 1 ? scaled : f32x4.mul(scaled, constant(Math.abs(c)));
  for (const [factor, value] of rest) {
    if (factor === 1) total = f32x4.add(total, value);
    else if (factor === -1) total = f32x4.sub(total, value);
    else total = (factor > 0 ? k.madd : k.nmadd)(value, constant(Math.abs(factor)), total);
  }
  return k.local(total);
}

/** The magnitudes that a transform multiplies by, as arguments of its kernel: constants in code would be built anew in every loop. */
export interface Constants {
  readonly fields: Readonly<Record<string, "f32">>;
  readonly args: Readonly<Record<string, number>>;
}

function magnitudesOf(scheme: Scheme, transform: Transform): number[] {
  const found = new Set<number>();
  const unused = f32x4.const(0) as Local<"v128">;
  const note = (...terms: readonly Term[]): Local<"v128"> => {
    for (const [c] of terms) if (Math.abs(c) !== 1) found.add(Math.abs(c));
    return unused;
  };
  transform(scheme, note, Array<V128>(scheme.inputs).fill(unused));
  return [...found];
}

/** The constants of a transform, named c0, c1 … */
export function constantsOf(scheme: Scheme, transform: Transform): Constants {
  const named = magnitudesOf(scheme, transform).map((magnitude, i) => [`c${i}`, magnitude] as const);
  return { fields: Object.fromEntries(named.map(([name]) => [name, "f32"])), args: Object.fromEntries(named) };
}

/** A transform applied to one line of a tile. */
export type Line = (x: readonly V128[]) => Local<"v128">[];

/** Call where the kernel begins. */
export function beginTransform(k: Code, scheme: Scheme, transform: Transform, args: Arguments<Fields>): Line {
  const held = new Map(magnitudesOf(scheme, transform).map((c, i) => [c, k.local(f32x4.splat(args[`c${i}`] as Local<"f32">))]));
  return (x) => transform(scheme, (...terms) => sumOf(k, (magnitude) => held.get(magnitude) as V128, terms), x);
}
