/** Bounds that integer weights keep to, so that kernels may add up products of pixels of 7 bits in sums of 16 bits. */

/** The most that weights of one sign may add up to, in magnitude: 127 times it is a 16-bit number, and so is every sum of some of the products. */
export const MOST_WEIGHT = 258;

/** Channels whose products meet in two short sums: channels 0, 1, 4, 5, 8 … in one, 2, 3, 6, 7 … in the other. */
export const BLOCK_CHANNELS = 16;

/** The weights of one sign that add up to most, in magnitude. */
export function signedTotal(weights: Iterable<number>): number {
  let [above, below] = [0, 0];
  for (const weight of weights) {
    if (weight > 0) above += weight;
    else below -= weight;
  }
  return Math.max(above, below);
}

/** The most that weights of one sign add up to in a short sum; `weights` are one output's, [channels][taps]. Model files are checked by it as they load. */
export function blockTotal(weights: ArrayLike<number>, taps: number): number {
  const channels = weights.length / taps;
  let most = 0;
  for (let tap = 0; tap < taps; tap++) {
    for (let first = 0; first < channels; first += BLOCK_CHANNELS) {
      const end = Math.min(first + BLOCK_CHANNELS, channels);
      for (const half of [0, 2]) {
        let [above, below] = [0, 0];
        for (let c = first; c < end; c++) {
          if ((c & 2) !== half) continue;
          const weight = weights[c * taps + tap];
          if (weight > 0) above += weight;
          else below -= weight;
        }
        most = Math.max(most, above, below);
      }
    }
  }
  return most;
}
