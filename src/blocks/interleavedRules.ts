/**
 * How interleaved group convolutions are sized. A layer with K channels a group and S filter taps costs C · S · K parameters at C channels; only the
 * first layer is spatial (S = 9 for 3×3), the others are 1×1. The layers' channels are permuted so that the channels of one group come from different
 * groups of the layer before.
 */
import { OptionError } from "../core/errors.ts";

/** Taps of a 3×3 filter, the papers' S. */
const SPATIAL = 9;

/**
 * IGCV1's parameters (section 3.1): the primary convolution has L groups of M channels, the secondary M groups of L, so at G = L · M channels there
 * are G² · (S / L + 1 / M).
 */
export function partitionedParameters(primary: number, secondary: number, spatial: number = SPATIAL): number {
  return (primary * secondary) ** 2 * (spatial / primary + 1 / secondary);
}

/** IGCV1 is wider than a dense convolution of as many parameters (Theorem 1): L / (L − 1) < M · S. */
export function isWiderThanDense(primary: number, secondary: number, spatial: number = SPATIAL): boolean {
  return primary > 1 && primary / (primary - 1) < secondary * spatial;
}

/** IGCV1 is at its widest for a number of parameters where both convolutions cost the same: L = M · S. */
export function widestPrimary(secondary: number, spatial: number = SPATIAL): number {
  return secondary * spatial;
}

/** IGCV2's complementary condition: exactly one path leads from each input to each output, which needs K₁ · K₂ · … · K_L = C. */
export function isComplementary(channels: number, groupWidths: readonly number[]): boolean {
  return groupWidths.reduce((product, width) => product * width, 1) === channels;
}

/** IGCV2's balance condition, under which a given connectivity costs least: S · K₁ = K₂ = … = K_L. */
export function isBalanced(groupWidths: readonly number[], spatial: number = SPATIAL): boolean {
  const [first, ...others] = groupWidths;
  return others.every((width) => width === spatial * first);
}

/** Parameters of IGCV2's layers: C · (S · K₁ + K₂ + … + K_L). */
export function sparseParameters(channels: number, [first, ...others]: readonly number[], spatial: number = SPATIAL): number {
  return channels * (spatial * first + others.reduce((sum, width) => sum + width, 0));
}

/** The least that L complementary layers can cost: C · L · (S · C)^(1 / L), reached where they are balanced. */
export function leastParameters(channels: number, layers: number, spatial: number = SPATIAL): number {
  return channels * layers * (spatial * channels) ** (1 / layers);
}

/** The whole number of layers at which `leastParameters` is least; its real-valued optimum is L = ln(S · C). */
export function bestLayers(channels: number, spatial: number = SPATIAL): number {
  const below = Math.max(1, Math.floor(Math.log(spatial * channels)));
  return leastParameters(channels, below, spatial) <= leastParameters(channels, below + 1, spatial) ? below : below + 1;
}

/** IGCV2's layers at K channels a group: one spatial and ⌈log_K C⌉ of 1×1, the fewest that can connect all channels. */
export function layersOf(channels: number, groupWidth: number): number {
  if (groupWidth < 2) throw new OptionError(`groups of ${groupWidth} channels never connect; nearest legal value 2`);
  let layers = 1;
  for (let reached = 1; reached < channels; reached *= groupWidth) layers++;
  return layers;
}

/** The fewest and the most paths from an input to an output of IGCV2's 1×1 layers: [1, 1] is complementary, [0, …] not connected. */
export function pathCounts(channels: number, groupWidth: number): readonly [least: number, most: number] {
  const groups = channels / groupWidth;
  let [least, most] = [Number.POSITIVE_INFINITY, 0];
  for (let input = 0; input < channels; input++) {
    let paths: readonly number[] = Array.from({ length: channels }, (_, c) => (c === input ? 1 : 0));
    for (let layer = 2; layer <= layersOf(channels, groupWidth); layer++) {
      const permuted = paths.map((_, c) => paths[(c % groups) * groupWidth + Math.floor(c / groups)]);
      paths = paths.map((_, c) => {
        const start = c - (c % groupWidth);
        return permuted.slice(start, start + groupWidth).reduce((sum, count) => sum + count, 0);
      });
    }
    least = Math.min(least, ...paths);
    most = Math.max(most, ...paths);
  }
  return [least, most];
}
