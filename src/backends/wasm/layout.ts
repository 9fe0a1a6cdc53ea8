/**
 * Where the elements of a value lie. Graph shapes are logical NCHW; here
 *   activations  [n, c, h, w] → [n][h][w][c padded to 4];  [n, c] → [n][c padded to 4];  [c] → [c padded to 4];  [] → 4 floats;
 *   weights      [out, in, kh, kw] → [out][kh][kw][in];  [out, in] → [out][in];  dense, only the whole is padded to 16 bytes.
 * The padding lanes of an activation hold finite numbers of no meaning: no kernel lets them reach a result.
 * Integers are bytes: the same order, but channels padded to 16, a vector of them, so that every pixel begins and ends with whole vectors;
 * images of at most 4 channels to 4, one step of a product.
 */
import { bytesOfType, type DType } from "../../core/dtype.ts";
import { type Shape, size } from "../../core/shape.ts";

/** What a rank ≥ 2 buffer holds. Vectors and scalars are the same in both. */
export type Layout = "activation" | "weight";

/** Rounded up to a multiple of 4. */
export function pad4(count: number): number {
  return (count + 3) & ~3;
}

/** Channels of an activation with their padding. */
export function lanesOf(channels: number, dtype: DType): number {
  return dtype === "f32" || channels <= 4 ? pad4(channels) : (channels + 15) & ~15;
}

/** Elements (not bytes) between neighbours along each logical axis. */
export function stridesOf(shape: Shape, layout: Layout, dtype: DType = "f32"): number[] {
  const [, c = 1, h = 1, w = 1] = shape;
  const lanes = layout === "activation" ? lanesOf(c, dtype) : c;
  if (shape.length === 4) return [h * w * lanes, 1, w * lanes, lanes];
  if (shape.length === 2) return [lanes, 1];
  if (shape.length > 1) {
    // Ranks that no kernel computes with (reshape's targets): plain row-major.
    return shape.map((_, axis) => size(shape.slice(axis + 1)));
  }
  return shape.map(() => 1);
}

/** Floats that a buffer takes, a multiple of 4. */
export function floatsOf(shape: Shape, layout: Layout): number {
  if (layout === "weight" || shape.length === 3 || shape.length > 4) return pad4(size(shape));
  const [n = 1, c = 1, h = 1, w = 1] = shape;
  return shape.length < 2 ? pad4(size(shape)) : n * h * w * pad4(c);
}

/** Elements of a buffer with their padding, whole vectors of 16 bytes. */
export function elementsOf(shape: Shape, layout: Layout, dtype: DType): number {
  if (dtype === "f32") return floatsOf(shape, layout);
  const [n, c, h = 1, w = 1] = shape;
  const isDense = layout === "weight" || shape.length < 2 || shape.length === 3 || shape.length > 4;
  return Math.ceil((isDense ? size(shape) : n * h * w * lanesOf(c, dtype)) / 16) * 16;
}

/** Bytes of a buffer. */
export function bytesOf(shape: Shape, layout: Layout, dtype: DType): number {
  return elementsOf(shape, layout, dtype) * bytesOfType[dtype];
}

/** Elements of a buffer in memory. */
export type Elements = Float32Array | Uint8Array | Int8Array;

/** The elements at byte `at` of a memory. */
export function elementsAt(memory: ArrayBufferLike, at: number, count: number, dtype: DType): Elements {
  if (dtype === "f32") return new Float32Array(memory, at, count);
  return dtype === "i8" ? new Int8Array(memory, at, count) : new Uint8Array(memory, at, count);
}

type Axes = readonly [number, number, number, number];

function fourAxes(values: readonly number[], fill: number): Axes {
  const [n = fill, c = fill, h = fill, w = fill] = values;
  return [n, c, h, w];
}

/** True where a buffer of these strides holds its elements in logical order, without gaps. Along axes of one element nothing is walked. */
function isRowMajor(shape: Shape, strides: readonly number[]): boolean {
  return shape.every((extent, axis) => extent === 1 || strides[axis] === size(shape.slice(axis + 1)));
}

/** Copies a row-major logical array into a buffer of the given strides (source and target may be of any type). */
export function scatter(source: ArrayLike<number>, shape: Shape, target: Elements, strides: readonly number[]): void {
  if (isRowMajor(shape, strides)) {
    target.set(source);
    return;
  }
  forEachPair(shape, strides, (i, at) => {
    target[at] = source[i];
  });
}

/** Copies a buffer of the given strides out into a row-major logical array. */
export function gather(source: Elements, shape: Shape, strides: readonly number[], target: Float32Array | Float64Array): void {
  if (isRowMajor(shape, strides)) {
    target.set(source.subarray(0, target.length));
    return;
  }
  forEachPair(shape, strides, (i, at) => {
    target[i] = source[at];
  });
}

function forEachPair(shape: Shape, strides: readonly number[], visit: (logical: number, physical: number) => void): void {
  const isDense = shape.length < 2 || shape.length === 3 || shape.length > 4;
  const [n, c, h, w] = isDense ? ([1, size(shape), 1, 1] as const) : fourAxes(shape, 1);
  const [sn, sc, sh, sw] = isDense ? ([0, 1, 0, 0] as const) : fourAxes(strides, 0);
  let logical = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < c; j++) {
      for (let y = 0; y < h; y++) {
        let at = i * sn + j * sc + y * sh;
        for (let x = 0; x < w; x++, at += sw) visit(logical++, at);
      }
    }
  }
}
