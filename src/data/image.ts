/** Decoded pixels, 8 bits a channel, rows from the top, channels interleaved: 1 = grey, 3 = RGB, 4 = RGB and alpha. */
export interface Image {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3 | 4;
  readonly data: Uint8Array;
}

/** How a picture meets a square: `crop` keeps the centre of its longer side, `squash` changes its proportions. */
export type Fit = "crop" | "squash";

/** Everything that decides the bytes of a prepared image of size × size × channels. */
export interface PixelRule {
  /** Side of the square, pixels. */
  readonly size: number;
  readonly channels: 1 | 3;
  readonly fit: Fit;
  /** With `crop`: the square's side as a share of the image's shorter side, above 0 and at most 1. Default 1. */
  readonly share?: number;
}

/** A text that is the same for rules that prepare the same bytes, fit for a file name. */
export function pixelKey({ size, channels, fit, share = 1 }: PixelRule): string {
  return `${size}x${channels}-${fit}${share === 1 ? "" : `-${share}`}`;
}
