import type { Image } from "./image.ts";

/** RGBA to RGB, laid over white: c · a + 255 · (255 − a), rounded. `into` may be the pixels themselves. */
export function layOverWhite(
  { width, height, data }: { readonly width: number; readonly height: number; readonly data: ArrayLike<number> },
  into: Uint8Array,
): Image {
  const area = width * height;
  for (let i = 0, from = 0, to = 0; i < area; i++, from += 4, to += 3) {
    const alpha = data[from + 3];
    if (alpha === 255) {
      into[to] = data[from];
      into[to + 1] = data[from + 1];
      into[to + 2] = data[from + 2];
      continue;
    }
    const white = 255 * (255 - alpha) + 127;
    for (let c = 0; c < 3; c++) into[to + c] = Math.floor((data[from + c] * alpha + white) / 255);
  }
  return { width, height, channels: 3, data: into.subarray(0, area * 3) };
}
