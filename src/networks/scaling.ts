/** How families grow: rounding of channels and repeats, and compound scaling. */
import { OptionError } from "../core/errors.ts";

/** Channels at a width as the nearest multiple of `divisor`, half up: EfficientNetV2's rule, which has no limit on what is lost. */
export function roundedChannels(channels: number, divisor = 8): number {
  return Math.max(divisor, Math.floor((channels + divisor / 2) / divisor) * divisor);
}

/** Blocks of a stage at a depth, rounded up. */
export function scaledRepeats(n: number, depth: number): number {
  // Products such as 2 · 1.1 lie a rounding error beside the number that is meant.
  return Math.max(1, Math.ceil(Number((n * depth).toFixed(9))));
}

/** What depth (α), width (β) and resolution (γ) are multiplied by for each unit of φ. EfficientNet, arXiv 1905.11946, section 3.3. */
export interface Coefficients {
  readonly alpha: number;
  readonly beta: number;
  readonly gamma: number;
}

/** The paper's: found by grid search on B0. Their product is 1.92. */
export const publishedCoefficients: Coefficients = { alpha: 1.2, beta: 1.1, gamma: 1.15 };

/** Growth of the multiply–accumulates for each unit of φ: α · β² · γ². */
export function growthOf({ alpha, beta, gamma }: Coefficients): number {
  return alpha * beta ** 2 * gamma ** 2;
}

/** A network of some family at a scale, as `buildNetwork(network, options)` takes it. */
export interface ScaledNetwork {
  readonly network: string;
  readonly options: { readonly width: number; readonly depth: number; readonly size: number; readonly dropout?: number };
}

/** What is scaled: a network that scales in depth, its size in pixels, and its dropout at φ = 0 and 7. */
export interface ScalingBase {
  readonly network: string;
  readonly size: number;
  readonly dropout?: readonly [first: number, last: number];
}

const efficientnetB0: ScalingBase = { network: "efficientnet-b0", size: 224, dropout: [0.2, 0.5] };
const LAST_PHI = 7;

function needNumber(what: string, value: number, least: number, most: number): void {
  if (value >= least && value <= most) return;
  const legal = Number.isNaN(value) ? least : Math.min(Math.max(value, least), most);
  throw new OptionError(`${what} is ${value}; it needs a number from ${least} to ${most}; nearest legal value ${legal}`);
}

/**
 * The network scaled by φ: depth α^φ, width β^φ, resolution γ^φ (rounded to whole pixels), dropout in proportion. Any φ is allowed, fractions and
 * negative ones too. The released B1 to B7 follow a table of their own (efficientnet.ts), near these values.
 */
export function compoundScale(
  phi: number,
  { alpha, beta, gamma }: Coefficients = publishedCoefficients,
  base: ScalingBase = efficientnetB0,
): ScaledNetwork {
  needNumber("phi", phi, -10, 20);
  for (const [name, value] of Object.entries({ alpha, beta, gamma })) needNumber(name, value, 1, 4);
  const { network, size, dropout } = base;
  const scales = { width: beta ** phi, depth: alpha ** phi, size: Math.max(1, Math.round(size * gamma ** phi)) };
  if (!dropout) return { network, options: scales };
  const [first, last] = dropout;
  const share = Math.min(1, Math.max(0, phi / LAST_PHI));
  return { network, options: { ...scales, dropout: first + (last - first) * share } };
}

/** One point of the grid, what its network scored, and the growth α · β² · γ². */
export interface ScalingTrial {
  readonly coefficients: Coefficients;
  readonly growth: number;
  readonly scaled: ScaledNetwork;
  readonly score: number;
}

/** The grid: distance of its points, the growth that a unit of φ shall cost, and how far from it a point may be. */
export interface GridSearch {
  readonly step?: number;
  readonly growth?: number;
  readonly tolerance?: number;
  readonly base?: ScalingBase;
  /** Trains or measures a network; the higher the better. */
  evaluate(scaled: ScaledNetwork): number | Promise<number>;
}

/** The grid's points: all of at least 1 whose growth is near enough. */
export function scalingGrid({ step = 0.05, growth = 2, tolerance = 0.1 }: Omit<GridSearch, "evaluate"> = {}): readonly Coefficients[] {
  needNumber("step", step, 0.001, 1);
  needNumber("growth", growth, 1, 100);
  needNumber("tolerance", tolerance, 0, growth);
  const points = (most: number): number[] =>
    Array.from({ length: Math.floor((most - 1) / step + 1e-9) + 1 }, (_, i) => Number((1 + i * step).toFixed(9)));
  const most = growth + tolerance;
  return points(most).flatMap((alpha) =>
    points(Math.sqrt(most)).flatMap((beta) =>
      points(Math.sqrt(most))
        .map((gamma) => ({ alpha, beta, gamma }))
        .filter((point) => Math.abs(growthOf(point) - growth) <= tolerance + 1e-9),
    ),
  );
}

/** Step 1 of compound scaling: evaluates the network scaled by φ = 1 at every point of the grid, one after the other, and tells the best. */
export async function searchCoefficients({ evaluate, base, ...grid }: GridSearch): Promise<{
  readonly best: ScalingTrial;
  readonly trials: readonly ScalingTrial[];
}> {
  const trials: ScalingTrial[] = [];
  for (const coefficients of scalingGrid(grid)) {
    const scaled = compoundScale(1, coefficients, base);
    trials.push({ coefficients, growth: growthOf(coefficients), scaled, score: await evaluate(scaled) });
  }
  const best = trials.filter(({ score }) => Number.isFinite(score)).reduce<ScalingTrial | undefined>(better, undefined);
  if (!best) {
    const reason =
      trials.length === 0 ? "no point of the grid is near that growth; take a finer step or a wider tolerance" : "no score is finite";
    throw new OptionError(`compound scaling found no coefficients: ${reason}`);
  }
  return { best, trials };
}

function better(held: ScalingTrial | undefined, trial: ScalingTrial): ScalingTrial {
  return held === undefined || trial.score > held.score ? trial : held;
}
