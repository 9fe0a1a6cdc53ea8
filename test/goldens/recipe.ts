/** The numbers of the golden fixtures: a counter-based stream for each tensor's name, the same in every language. */
import { crc32 } from "node:zlib";
import { hashName, mix32 } from "../../src/core/random.ts";
import { type Shape, size } from "../../src/core/shape.ts";
import type { Tensor } from "../../src/core/tensor.ts";

/** What a stored tensor is, which decides its range. */
export type Kind = "weight" | "bias" | "bn.weight" | "bn.bias" | "bn.mean" | "bn.var" | "bn.count" | "adder";

/** A tensor of the recipe: elements are a + b · s with s in [−1, 1). */
export interface Drawn {
  readonly name: string;
  readonly shape: Shape;
  readonly a: number;
  readonly b: number;
}

/** A network's state: gain of its weights, and tensors with their own range or values. */
export interface Recipe {
  readonly gain: number;
  readonly overrides: Readonly<Record<string, readonly [number, number] | { readonly values: readonly number[] }>>;
}

/** One state tensor: the reference's name, its shape and kind. */
export type StateEntry = readonly [name: string, shape: Shape, kind: Kind];

/** The i-th number of a name's stream, in [−1, 1), a multiple of 2^−23. */
export function streamOf(name: string): (i: number) => number {
  const seed = hashName(name);
  return (i) => ((mix32((seed + Math.imul(i, 0x9e3779b9)) >>> 0) >>> 8) / 16777216) * 2 - 1;
}

/** A float32 tensor of the recipe. */
export function draw({ name, shape, a, b }: Drawn): Tensor {
  const stream = streamOf(name);
  return { shape, data: Float32Array.from({ length: size(shape) }, (_, i) => a + b * stream(i)) };
}

const ranges: Record<Exclude<Kind, "weight" | "bn.count">, readonly [number, number]> = {
  bias: [0, 0.05],
  "bn.weight": [1, 0.5],
  "bn.bias": [0, 0.1],
  "bn.mean": [0, 0.1],
  "bn.var": [1, 0.5],
  adder: [0, 1],
};

function rangeOf([, shape, kind]: StateEntry, gain: number): readonly [number, number] {
  if (kind === "bn.count") return [0, 0];
  return kind === "weight" ? [0, gain * Math.sqrt(6 / size(shape.slice(1)))] : ranges[kind];
}

function isListed(override: Recipe["overrides"][string]): override is { readonly values: readonly number[] } {
  return !Array.isArray(override);
}

/** One state tensor by the recipe. */
export function drawState(entry: StateEntry, { gain, overrides }: Recipe): Tensor {
  const [name, shape] = entry;
  const override = Object.hasOwn(overrides, name) ? overrides[name] : undefined;
  if (override && isListed(override)) return { shape, data: Float32Array.from(override.values) };
  const [a, b] = override ?? rangeOf(entry, gain);
  return draw({ name, shape, a, b });
}

/** CRC-32 over the little-endian float32 bytes of all tensors in order, counters left out; eight hexadecimal digits. */
export function stateChecksum(entries: readonly StateEntry[], tensors: readonly Tensor[]): string {
  let checksum = 0;
  for (const [i, { data }] of tensors.entries()) {
    if (entries[i][2] !== "bn.count")
      checksum = crc32(new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength), checksum);
  }
  return checksum.toString(16).padStart(8, "0");
}
