import { random, type Stream } from "../core/random.ts";

/** Random numbers for one image at a time, drawn in sequence; those of (seed, epoch, key) never depend on what was drawn before. */
export interface Draws {
  /** Starts over for one image of one epoch. */
  start(epoch: number, key: number): void;
  /** The next number in [0, 1). */
  uniform(): number;
  /** The next number in [low, high). */
  between(low: number, high: number): number;
  /** The next integer in [0, below). */
  below(count: number): number;
}

/** Words reserved for each image. */
const PER_IMAGE = 64;

/** Draws of a purpose under a seed. */
export function openDraws(seed: number, purpose: string): Draws {
  let stream: Stream = random(seed, purpose, 0);
  let streamEpoch = 0;
  let next = 0;
  const uniform = (): number => stream.uniform(next++);
  return {
    start(epoch, key) {
      if (epoch !== streamEpoch) stream = random(seed, purpose, epoch);
      streamEpoch = epoch;
      next = key * PER_IMAGE;
    },
    uniform,
    between: (low, high) => low + (high - low) * uniform(),
    below: (count) => Math.floor(uniform() * count),
  };
}

/** A number of Beta(α, α), by Jöhnk's method for α ≤ 1 and by Cheng's BB (1978) above. */
export function beta(alpha: number, uniform: () => number): number {
  for (;;) {
    const first = Math.max(uniform(), 2 ** -25);
    const second = Math.max(uniform(), 2 ** -25);
    if (alpha <= 1) {
      const x = first ** (1 / alpha);
      const y = second ** (1 / alpha);
      if (x + y > 0 && x + y <= 1) return x / (x + y);
      // Both powers underflow for a tiny α; the limit is a coin toss between 0 and 1.
      if (x + y === 0) return first < second ? 0 : 1;
      continue;
    }
    const v = Math.log(first / (1 - first)) / Math.sqrt(alpha);
    const w = alpha * Math.exp(v);
    const likelihood = 2 * alpha * Math.log((2 * alpha) / (alpha + w)) + (alpha + Math.sqrt(alpha)) * v - Math.log(4);
    if (likelihood >= Math.log(first * first * second)) {
      return w / (alpha + w);
    }
  }
}
