import { luma } from "./resize.ts";

/** Square pictures of bytes, NHWC, that operations turn from one buffer into another. */
export interface Frame {
  readonly size: number;
  readonly channels: number;
}

/** One inverse map in 16.16 fixed point: source = matrix · (x, y) + offset, about the centre. */
export interface Affine {
  readonly xx: number;
  readonly xy: number;
  readonly yx: number;
  readonly yy: number;
  readonly dx: number;
  readonly dy: number;
}

const FIXED = 65536;

/** Resamples bilinearly through an inverse map; outside is black. */
export function warp(from: Uint8Array, to: Uint8Array, { size, channels }: Frame, map: Affine): void {
  const [xx, xy, yx, yy] = [map.xx, map.xy, map.yx, map.yy].map((part) => Math.round(part * 256));
  const centre = (size - 1) / 2;
  const offset = (shift: number, a: number, b: number): number => Math.round((centre + shift) * FIXED) - Math.round(centre * 256 * (a + b));
  const startX = offset(map.dx, xx, xy);
  const startY = offset(map.dy, yx, yy);
  const at = (x: number, y: number, c: number): number =>
    x >= 0 && y >= 0 && x < size && y < size ? from[(y * size + x) * channels + c] : 0;
  for (let y = 0, out = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const sourceX = startX + (x * xx + y * xy) * 256;
      const sourceY = startY + (x * yx + y * yy) * 256;
      const left = sourceX >> 16;
      const top = sourceY >> 16;
      const right = (sourceX >> 8) & 255;
      const down = (sourceY >> 8) & 255;
      for (let c = 0; c < channels; c++) {
        const upper = at(left, top, c) * (256 - right) + at(left + 1, top, c) * right;
        const lower = at(left, top + 1, c) * (256 - right) + at(left + 1, top + 1, c) * right;
        to[out++] = (upper * (256 - down) + lower * down + 32768) >> 16;
      }
    }
  }
}

/** Shifts by whole pixels; the border is black. */
export function shift(from: Uint8Array, to: Uint8Array, { size, channels }: Frame, dx: number, dy: number): void {
  to.fill(0);
  const left = Math.max(0, dx);
  const width = size - Math.abs(dx);
  if (width <= 0) return;
  for (let y = Math.max(0, dy); y < size + Math.min(0, dy); y++) {
    const start = ((y - dy) * size + (left - dx)) * channels;
    to.set(from.subarray(start, start + width * channels), (y * size + left) * channels);
  }
}

/** Mirrors left–right. */
export function mirror(from: Uint8Array, to: Uint8Array, { size, channels }: Frame): void {
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const source = (y * size + size - 1 - x) * channels;
      const out = (y * size + x) * channels;
      for (let c = 0; c < channels; c++) to[out + c] = from[source + c];
    }
  }
}

/** Applies a function of the byte, tabulated first. */
export function tone(from: Uint8Array, to: Uint8Array, curve: (byte: number) => number): void {
  const table = new Uint8ClampedArray(256);
  for (let byte = 0; byte < 256; byte++) table[byte] = Math.round(curve(byte));
  for (let i = 0; i < to.length; i++) to[i] = table[from[i]];
}

/** Multiplies brightness. */
export function brightness(from: Uint8Array, to: Uint8Array, factor: number): void {
  tone(from, to, (byte) => byte * factor);
}

/** Moves every byte away from (factor > 1) or towards the picture's mean. */
export function contrast(from: Uint8Array, to: Uint8Array, factor: number): void {
  let sum = 0;
  for (const byte of from) sum += byte;
  const mean = Math.round(sum / from.length);
  tone(from, to, (byte) => mean + (byte - mean) * factor);
}

/** Moves every RGB pixel away from (factor > 1) or towards its luma; grey pictures stay as they are. */
export function saturation(from: Uint8Array, to: Uint8Array, { channels }: Frame, factor: number): void {
  if (channels !== 3) return void to.set(from);
  const scaled = Math.round(factor * 256);
  for (let i = 0; i < from.length; i += 3) {
    const grey = luma(from[i], from[i + 1], from[i + 2]);
    for (let c = 0; c < 3; c++) {
      const value = grey + (((from[i + c] - grey) * scaled + 128) >> 8);
      to[i + c] = value < 0 ? 0 : value > 255 ? 255 : value;
    }
  }
}

/** Stretches the range of bytes to 0–255. */
export function autoContrast(from: Uint8Array, to: Uint8Array): void {
  let low = 255;
  let high = 0;
  for (const byte of from) {
    if (byte < low) low = byte;
    if (byte > high) high = byte;
  }
  tone(from, to, (byte) => (high > low ? ((byte - low) * 255) / (high - low) : byte));
}
