/** How the designs are sized where they stand in for an ordinary 3×3 convolution of so many inputs and outputs. */
import { OptionError } from "../core/errors.ts";

/** SqueezeNet's squeeze ratio (section 5 of the paper): an eighth of the outputs, 16 of 128. */
export function squeezeChannels(out: number): number {
  return Math.max(1, Math.round(out / 8));
}

/** MobileNetV2's expansion t, also of MBConv; Fused-MBConv's is smaller, its convolution being dense. */
export const expansions = { inverted: 6, mbConv: 6, fusedMbConv: 4 } as const;

/**
 * ShuffleNet's groups: the most, up to the 4 of the survey, into which the inputs, the bottleneck (a quarter of the outputs) and what the branch adds
 * can be split. Where channels grow, the branch adds what the input lacks.
 */
export function shuffleGroups(inputs: number, out: number): number {
  const parts = [inputs, out / 4, out > inputs ? out - inputs : out];
  return [4, 3, 2].find((groups) => parts.every((part) => part % groups === 0)) ?? 1;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

/**
 * IGCV1's partitions: M = 2, at which the paper's accuracy is best, and L = C / 2, so that L · M = C; where the inputs do not divide so, the most
 * primary partitions that they do.
 */
export function interleavedPartitions(inputs: number, out: number): { readonly primary: number; readonly secondary: number } {
  if (out % 2 !== 0)
    throw new OptionError(`IGCV1 in place of a convolution: ${out} channels cannot be split in 2; nearest legal value ${out + 1}`);
  const primary = greatestCommonDivisor(inputs, out / 2);
  return { primary, secondary: out / primary };
}

/** IGCV2's K, the channels in a group of the 1×1 convolutions: the 8 of the paper's experiments, or the most below that divide the outputs. */
export function interleavedGroupWidth(out: number): number {
  const width = [8, 7, 6, 5, 4, 3, 2].find((candidate) => out % candidate === 0);
  if (width !== undefined) return width;
  throw new OptionError(
    `IGCV2 in place of a convolution: ${out} channels cannot be split into groups of 2 to 8; nearest legal value ${out + 1}`,
  );
}

/** IGCV2's groups of the depthwise convolution: one for each input, or where the outputs are no multiple of the inputs, the most that divide both. */
export function interleavedFirstGroups(inputs: number, out: number): number {
  return greatestCommonDivisor(inputs, out);
}

/** ChannelNet's kernels along the channels: g of them (the groups that they fuse), 4 · g long, as in the published networks' g = 2 and 8. */
export const channelFusion = { groups: 2, length: 8 } as const;

/**
 * MicroNet's groups G = √(C / R) of a micro-factorised 1×1 convolution of C channels that is compressed by R: at G² hidden channels each output depends on
 * each input by exactly one path (section 3.1 of the paper), and the matrix is made of G × G blocks of rank one.
 */
export function microGroups(channels: number, reduction: number): number {
  const groups = Math.sqrt(channels / reduction);
  if (Number.isSafeInteger(groups) && groups > 0 && channels % groups === 0) return groups;
  const legal = reduction * Math.max(1, Math.round(groups) || 1) ** 2;
  throw new OptionError(
    `a micro-factorised convolution of ${channels} channels, compressed by ${reduction}, has √(${channels} / ${reduction}) groups, which is not a whole number; nearest legal value ${legal} channels`,
  );
}

/** By how much the micro-factorised convolution in place of an ordinary one compresses: the least that the published blocks do. */
const microReduction = 2;

/**
 * The same for any number of inputs and outputs: of the numbers of groups that divide both, the one nearest to √(outputs / R) by ratio (the larger of
 * two), and as many hidden channels as leave exactly one path from each input to each output.
 */
export function microFactors(inputs: number, out: number): { readonly groups: number; readonly hidden: number } {
  const common = greatestCommonDivisor(inputs, out);
  const candidates = Array.from({ length: common }, (_, i) => common - i).filter((groups) => groups > 1 && common % groups === 0);
  const wanted = out / microReduction;
  const distance = (groups: number): number => Math.max(groups ** 2 / wanted, wanted / groups ** 2);
  const [groups] = candidates.sort((a, b) => distance(a) - distance(b));
  if (groups !== undefined) return { groups, hidden: groups ** 2 };
  const legal = Math.max(1, Math.round(out / inputs)) * inputs;
  throw new OptionError(
    `a micro-factorised convolution from ${inputs} to ${out} channels: no number of groups divides both; nearest legal value ${legal}`,
  );
}
