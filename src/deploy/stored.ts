/**
 * Weights as a compiled file stores them. Matrices and filters take the format asked for, vectors (biases) stay float32:
 *   f32   as they lie in memory;
 *   f16   halves, rounded to nearest even; a tensor with a number beyond 65504 stays float32;
 *   int8  first one float32 scale for each output channel, then signed bytes in −127 … 127; weight = byte · scale.
 * Kernels expand them once, when the file is loaded.
 */
import { f32, f32x4, i32, i32x4, v128 } from "../backends/wasm/assembler.ts";
import { type Pointer, type Step, step } from "../backends/wasm/kernel.ts";
import { bytesOf, elementsAt, elementsOf, floatsOf, type Layout, scatter, stridesOf } from "../backends/wasm/layout.ts";
import { wasmKernel } from "../backends/wasm/module.ts";
import type { DType } from "../core/dtype.ts";
import type { Shape } from "../core/shape.ts";
import { size } from "../core/shape.ts";

/** How a compiled file stores weights. */
export type WeightFormat = "f32" | "f16" | "int8";

/** Stored bytes, a multiple of 16, and how they become `floats` numbers at `y`; without steps they are those numbers. */
export interface Stored {
  readonly bytes: Uint8Array;
  readonly floats: number;
  expand?(x: Pointer, y: Pointer): readonly Step[];
}

const VECTORS_A_UNIT = 1024;

/** Four halves a turn: the exponent and mantissa bits, moved into place, are 2^112 too small. */
const expandHalves = wasmKernel("expandHalves", { y: "i32", x: "i32", vectors: "i32" }, ({ y, x, vectors, begin, end }, k) => {
  const last = k.local(i32.min(end.times(VECTORS_A_UNIT), vectors));
  const zero = k.local(v128.const32(0, 0, 0, 0));
  const magnitude = k.local(v128.const32(0x7fff, 0x7fff, 0x7fff, 0x7fff));
  const scale = k.local(f32x4.const(2 ** 112));
  k.for({ from: begin.times(VECTORS_A_UNIT), to: last }, (i) => {
    // The shuffle widens the low four halves to 32 bits.
    const half = k.local(v128.shuffle(v128.load64Zero(x.plus(i.times(8))), zero, [0, 1, 16, 16, 2, 3, 16, 16, 4, 5, 16, 16, 6, 7, 16, 16]));
    const value = f32x4.mul(i32x4.shl(v128.and(half, magnitude), 13), scale);
    const sign = i32x4.shl(i32x4.shrU(half, 15), 31);
    k.store(y.plus(i.times(16)), v128.or(value, sign));
  });
});

/** One output channel a unit: y[o][i] = x[o][i] · scale[o]. Rows may begin at any byte, so it goes byte by byte. */
const expandBytes = wasmKernel(
  "expandBytes",
  { y: "i32", x: "i32", scales: "i32", length: "i32" },
  ({ y, x, scales, length, begin, end }, k) => {
    k.for({ from: begin, to: end }, (row) => {
      const scale = k.local(f32.load(scales.plus(row.times(4))));
      const first = k.local(row.times(length));
      k.for({ from: first, to: first.plus(length) }, (i) => {
        k.store(y.plus(i.times(4)), f32.mul(f32.fromI32(i32.load8(x.plus(i))), scale));
      });
    });
  },
);

/** The bits of the nearest halves, ties to even; magnitudes must be at most 65504. */
export function halvesOf(data: Float32Array): Uint16Array {
  const words = new Uint32Array(data.buffer, data.byteOffset, data.length);
  return Uint16Array.from(words, (word) => {
    const exponent = (word >>> 23) & 0xff;
    // Below 2^-14 halves lie evenly, so the implicit one becomes explicit and moves to its place.
    const drop = exponent > 112 ? 13 : 126 - exponent;
    const mantissa = exponent > 112 ? (word & 0x7fffffff) - (112 << 23) : (word & 0x7fffff) | 0x800000;
    const magnitude = drop > 25 ? 0 : (mantissa + (1 << (drop - 1)) - 1 + ((mantissa >>> drop) & 1)) >>> drop;
    return ((word >>> 16) & 0x8000) | magnitude;
  });
}

function storeHalves(lying: Float32Array): Stored {
  const bytes = new Uint8Array(Math.ceil(lying.length / 8) * 16);
  new Uint16Array(bytes.buffer).set(halvesOf(lying));
  const vectors = lying.length / 4;
  return {
    bytes,
    floats: lying.length,
    expand: (x, y) => [step(expandHalves, Math.ceil(vectors / VECTORS_A_UNIT), { y, x, vectors })],
  };
}

function storeBytes(lying: Float32Array, rows: number, length: number): Stored {
  const head = Math.ceil(rows / 4) * 16;
  const bytes = new Uint8Array(head + Math.ceil((rows * length) / 16) * 16);
  const scales = new Float32Array(bytes.buffer, 0, rows);
  const values = new Int8Array(bytes.buffer, head);
  for (let row = 0; row < rows; row++) {
    const channel = lying.subarray(row * length, (row + 1) * length);
    scales[row] = channel.reduce((most, x) => Math.max(most, Math.abs(x)), 0) / 127;
    const scale = scales[row];
    if (scale > 0)
      channel.forEach((x, i) => {
        values[row * length + i] = Math.max(-127, Math.min(127, Math.round(x / scale)));
      });
  }
  return {
    bytes,
    floats: lying.length,
    expand: (x, y) => [step(expandBytes, rows, { y, x: { ...x, offset: x.offset + head }, scales: x, length })],
  };
}

/** Integers lie in the file as they do in memory. */
function storeIntegers(data: Float32Array, shape: Shape, layout: Layout, dtype: DType): Stored {
  const bytes = new Uint8Array(bytesOf(shape, layout, dtype));
  scatter(data, shape, elementsAt(bytes.buffer, 0, elementsOf(shape, layout, dtype), dtype), stridesOf(shape, layout, dtype));
  return { bytes, floats: 0 };
}

/** Stores a tensor of some layout in a format; integers stay what they are. */
export function storeTensor(data: Float32Array, shape: Shape, layout: Layout, dtype: DType, format: WeightFormat): Stored {
  if (dtype !== "f32") return storeIntegers(data, shape, layout, dtype);
  const lying = new Float32Array(floatsOf(shape, layout));
  scatter(data, shape, lying, stridesOf(shape, layout));
  const isMatrix = shape.length >= 2 && layout === "weight";
  if (isMatrix && format === "int8") return storeBytes(lying, shape[0], size(shape) / shape[0]);
  if (isMatrix && format === "f16" && lying.every((x) => Math.abs(x) <= 65504)) return storeHalves(lying);
  return { bytes: new Uint8Array(lying.buffer), floats: lying.length };
}
