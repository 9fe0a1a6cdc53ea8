import { InternalError } from "../core/errors.ts";
import type { Image, PixelRule } from "./image.ts";

/**
 * The one resizer: a triangle filter whose width grows with the reduction (so that reducing averages every source pixel), separable,
 * in integers. Weights of a source pixel are exact fractions with 22 bits; each pass rounds to 8 bits. Nothing here depends on the
 * engine's floating-point library, so every machine prepares the same bytes.
 */
const PRECISION = 22;
const ONE = 1 << PRECISION;
const HALF = ONE >> 1;

/** A rectangle of source pixels. */
export interface Window {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** For each output position: the first source position, and `taps` weights that sum to 2^22. */
interface Filter {
  readonly taps: number;
  readonly first: Int32Array;
  readonly weights: Int32Array;
}

/**
 * In units of 1 / (2 · output) source pixels, pixel j of `input` lies |(2j + 1) · output − (2i + 1) · input| from the centre of output i,
 * and the triangle reaches 2 · max(input, output). All of it is exact in integers.
 */
function triangle(input: number, output: number): Filter {
  const reach = 2 * Math.max(input, output);
  const taps = Math.min(input, Math.ceil(reach / output));
  const first = new Int32Array(output);
  const weights = new Int32Array(output * taps);
  for (let i = 0; i < output; i++) {
    const centre = (2 * i + 1) * input;
    const lowest = Math.floor((centre - reach) / (2 * output) - 0.5) + 1;
    const start = Math.min(Math.max(0, lowest), input - taps);
    const share = (tap: number): number => Math.max(0, reach - Math.abs((2 * (start + tap) + 1) * output - centre));
    let total = 0;
    for (let tap = 0; tap < taps; tap++) total += share(tap);
    let left = ONE;
    let heaviest = 0;
    for (let tap = 0; tap < taps; tap++) {
      const weight = Math.floor((share(tap) * ONE) / total);
      weights[i * taps + tap] = weight;
      left -= weight;
      if (weight > weights[i * taps + heaviest]) heaviest = tap;
    }
    weights[i * taps + heaviest] += left;
    first[i] = start;
  }
  return { taps, first, weights };
}

/** Rows of `window` to `width` columns: [window.height, width, depth], depth = min(3, channels). */
function resizeColumns(image: Image, window: Window, width: number, depth: number): Uint8Array {
  const { taps, first, weights } = triangle(window.width, width);
  const out = new Uint8Array(window.height * width * depth);
  const step = image.channels;
  const { data } = image;
  for (let y = 0, to = 0; y < window.height; y++) {
    const row = ((window.top + y) * image.width + window.left) * step;
    for (let x = 0; x < width; x++) {
      let from = row + first[x] * step;
      const last = (x + 1) * taps;
      let red = HALF;
      let green = HALF;
      let blue = HALF;
      if (depth === 1) {
        for (let tap = x * taps; tap < last; tap++, from += step) red = (red + Math.imul(weights[tap], data[from])) | 0;
        out[to++] = red >> PRECISION;
        continue;
      }
      for (let tap = x * taps; tap < last; tap++, from += step) {
        const weight = weights[tap];
        red = (red + Math.imul(weight, data[from])) | 0;
        green = (green + Math.imul(weight, data[from + 1])) | 0;
        blue = (blue + Math.imul(weight, data[from + 2])) | 0;
      }
      out[to] = red >> PRECISION;
      out[to + 1] = green >> PRECISION;
      out[to + 2] = blue >> PRECISION;
      to += 3;
    }
  }
  return out;
}

/** [input, stride] rows to [height, stride]. */
function resizeRows(source: Uint8Array, input: number, height: number, stride: number): Uint8Array {
  const { taps, first, weights } = triangle(input, height);
  const out = new Uint8Array(height * stride);
  const sums = new Int32Array(stride);
  for (let y = 0; y < height; y++) {
    sums.fill(HALF);
    for (let tap = 0; tap < taps; tap++) {
      const weight = weights[y * taps + tap];
      if (weight === 0) continue;
      const from = (first[y] + tap) * stride;
      for (let x = 0; x < stride; x++) sums[x] += Math.imul(weight, source[from + x]);
    }
    for (let x = 0; x < stride; x++) out[y * stride + x] = sums[x] >> PRECISION;
  }
  return out;
}

/** A window of an image as width × height pixels of 1 (from grey) or 3 channels; alpha must have been composited before. */
export function resize(image: Image, window: Window, width: number, height: number): Image {
  const { left, top } = window;
  const isInside = left >= 0 && top >= 0 && window.width > 0 && window.height > 0;
  if (!isInside || left + window.width > image.width || top + window.height > image.height) {
    throw new InternalError(`window ${JSON.stringify(window)} of an image of ${image.width} × ${image.height}`);
  }
  const depth = image.channels === 1 ? 1 : 3;
  const narrow = resizeColumns(image, window, width, depth);
  return { width, height, channels: depth, data: resizeRows(narrow, window.height, height, width * depth) };
}

/** Luma with the weights of ITU-R BT.601 in 16 bits; a grey pixel keeps its value exactly. */
export function luma(red: number, green: number, blue: number): number {
  return (red * 19595 + green * 38470 + blue * 7471 + 32768) >> 16;
}

function toChannels(image: Image, channels: 1 | 3): Uint8Array {
  const { data } = image;
  if (image.channels === channels) return data;
  const area = image.width * image.height;
  const out = new Uint8Array(area * channels);
  if (channels === 3) for (let i = 0; i < out.length; i++) out[i] = data[(i / 3) | 0];
  else for (let i = 0; i < area; i++) out[i] = luma(data[i * 3], data[i * 3 + 1], data[i * 3 + 2]);
  return out;
}

/** The part of an image that a rule uses: all of it (`squash`), or a square in the centre, as large as fits or a share of that (`crop`). */
export function windowFor(width: number, height: number, { fit, share = 1 }: Pick<PixelRule, "fit" | "share">): Window {
  if (fit === "squash") return { left: 0, top: 0, width, height };
  const side = Math.max(1, Math.round(Math.min(width, height) * share));
  return { left: (width - side) >> 1, top: (height - side) >> 1, width: side, height: side };
}

/** An opaque image as the bytes of a rule: size × size × channels, NHWC. */
export function prepare(image: Image, rule: PixelRule): Uint8Array {
  const window = windowFor(image.width, image.height, rule);
  return toChannels(resize(image, window, rule.size, rule.size), rule.channels);
}
