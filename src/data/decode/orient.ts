import type { Image } from "../image.ts";
import type { Orientation } from "./imageHeader.ts";

/** Side of the blocks in which a picture is turned, so that both the rows read and the rows written stay in the cache. */
const BLOCK = 32;

/**
 * Turns an image upright: output (x, y) comes from source (sx, sy), where the orientations from 5 on swap the axes. Source steps for
 * one step right and one step down of the output follow from where EXIF says the first row and column are.
 */
export function orient(image: Image, orientation: Orientation): Image {
  if (orientation === 1) return image;
  const { width, height, channels, data } = image;
  const isTurned = orientation >= 5;
  const [outWidth, outHeight] = isTurned ? [height, width] : [width, height];
  const isFromRight = [2, 3, 7, 8].includes(orientation);
  const isFromBottom = [3, 4, 6, 7].includes(orientation);
  const alongRow = isFromRight ? -channels : channels;
  const alongColumn = (isFromBottom ? -width : width) * channels;
  const start = ((isFromBottom ? height - 1 : 0) * width + (isFromRight ? width - 1 : 0)) * channels;
  const [perX, perY] = isTurned ? [alongColumn, alongRow] : [alongRow, alongColumn];
  const out = new Uint8Array(data.length);
  for (let top = 0; top < outHeight; top += BLOCK) {
    for (let left = 0; left < outWidth; left += BLOCK) {
      for (let y = top; y < Math.min(top + BLOCK, outHeight); y++) {
        let from = start + y * perY + left * perX;
        let to = (y * outWidth + left) * channels;
        for (let x = left; x < Math.min(left + BLOCK, outWidth); x++, from += perX, to += channels) {
          for (let c = 0; c < channels; c++) out[to + c] = data[from + c];
        }
      }
    }
  }
  return { width: outWidth, height: outHeight, channels, data: out };
}
