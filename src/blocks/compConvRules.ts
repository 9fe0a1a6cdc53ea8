/** How a CompConv is sized. arXiv 2106.10486; what the paper leaves open is said at each function. */

/** Which channels of the input the identity parts copy: all from the first on, or each the ones behind the part before. */
export type Slices = "prefix" | "disjoint";

/** The paper's C₀ for VGG and ResNet ("CompConv128"): inputs up to which one level is enough. */
export const RECOMMENDED_BASE = 128;

/** The paper limits the depth to 3. */
export const MOST_DEPTH = 3;

/**
 * Levels for so many inputs: d = min(log₂(max(1, C_in / C₀)) + 1, 3). The paper prints a maximum with 3 where its text limits d to 3, and does not
 * say how a broken logarithm is rounded; ours is rounded down.
 */
export function compConvDepth(inputs: number, base: number = RECOMMENDED_BASE): number {
  return Math.min(Math.floor(Math.log2(Math.max(1, inputs / base))) + 1, MOST_DEPTH);
}

/** The parts of a depth, counted in C_prim: 2 + 4 + … + 2^d. */
function partsOf(depth: number): number {
  return 2 * (2 ** depth - 1);
}

/** Channels of the smallest part, the only one convolved from the whole input: C_prim = ⌈C_out / (2 · (2^d − 1))⌉. */
export function primitiveChannels(out: number, depth: number): number {
  return Math.ceil(out / partsOf(depth));
}

/** Channels that all parts have together beyond those asked for: C_prim is rounded up. */
export function surplusChannels(out: number, depth: number): number {
  return partsOf(depth) * primitiveChannels(out, depth) - out;
}

/** Parameters of a CompConv, as printed: k² · (C_in · C_prim + Σ (2^i · C_prim)² + 2^(d−1) · C_prim), i from 1 to d − 1; the last term is the depthwise tail. */
export function compConvParameters(inputs: number, out: number, depth: number, kernel = 3): number {
  const c = primitiveChannels(out, depth);
  let taps = inputs * c + 2 ** (depth - 1) * c;
  for (let i = 1; i < depth; i++) taps += (2 ** i * c) ** 2;
  return kernel ** 2 * taps;
}

/** Input channels that the identity parts need: the largest is 2^(d−2) · C_prim, and all have (2^(d−1) − 1) · C_prim; none at depth 1. */
export function copiedChannels(out: number, depth: number, slices: Slices): number {
  if (depth === 1) return 0;
  return (slices === "prefix" ? 2 ** (depth - 2) : 2 ** (depth - 1) - 1) * primitiveChannels(out, depth);
}

/** Whether the tail keeps a channel when the surplus is cut from it. */
function fitsTail(out: number, depth: number): boolean {
  return surplusChannels(out, depth) < 2 ** (depth - 1) * primitiveChannels(out, depth);
}

/** The nearest outputs whose surplus can be cut from the tail, the more of two. */
export function nearestTailedOutputs(out: number, depth: number): number {
  let away = 0;
  while (!fitsTail(out + away, depth) && !(out > away && fitsTail(out - away, depth))) away++;
  return fitsTail(out + away, depth) ? out + away : out - away;
}

/** The fewest outputs of which the tail still gives some after the surplus is cut from the end: 2^d − 1. */
export function leastOutputs(depth: number): number {
  return 2 ** depth - 1;
}

/** The deepest form, up to `most`, for which there are enough inputs to copy and enough outputs to fill. */
export function deepestFit(inputs: number, out: number, slices: Slices, most: number = MOST_DEPTH): number {
  let depth = most;
  while (depth > 1 && (copiedChannels(out, depth, slices) > inputs || leastOutputs(depth) > out)) depth--;
  return depth;
}
