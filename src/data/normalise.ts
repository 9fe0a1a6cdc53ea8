import type { Preprocessing } from "./preprocessing.ts";

/** For each channel the 256 float32 values that bytes become; index c · 256 + byte. */
export function normaliseTable({ channels, mean, std }: Preprocessing): Float32Array {
  return Float32Array.from({ length: channels * 256 }, (_, i) => ((i & 255) / 255 - mean[i >> 8]) / std[i >> 8]);
}

/** Where a batch's values go: element (n, c, h, w) is data[n·strides[0] + c·strides[1] + h·strides[2] + w·strides[3]]. */
export interface PixelTarget {
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly data: Float32Array;
}

/** Writes prepared bytes (NHWC, one image) as normalised numbers into place n of a target. */
export function writeNormalised(
  target: PixelTarget,
  n: number,
  bytes: Uint8Array,
  size: number,
  channels: number,
  table: Float32Array,
): void {
  const [perImage, perChannel, perRow, perColumn] = target.strides;
  const { data } = target;
  for (let c = 0; c < channels; c++) {
    const lookup = c * 256;
    for (let y = 0, from = c; y < size; y++) {
      let to = n * perImage + c * perChannel + y * perRow;
      for (let x = 0; x < size; x++, from += channels, to += perColumn) data[to] = table[lookup + bytes[from]];
    }
  }
}
