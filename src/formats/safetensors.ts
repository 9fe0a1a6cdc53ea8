/**
 * The safetensors format: 8 bytes of header length (little-endian), a JSON header, then the tensors' bytes without gap or overlap.
 * The header comes from strangers, so nothing in it is believed before it has been checked against the file's own length.
 */
import { FormatError } from "../core/errors.ts";
import { formatShape, type Shape } from "../core/shape.ts";
import type { NumericArray, Tensor } from "../core/tensor.ts";
import { parseStrictJson, type StrictJson } from "./strictJson.ts";

/** Bytes of an element by type. */
export const bytesOfType = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4, I16: 2, I8: 1, U8: 1, BOOL: 1 } as const;

/** Element types of stored tensors. */
export type StoredType = keyof typeof bytesOfType;

/** One tensor of a file: its bytes are a view into the file. */
export interface StoredTensor {
  readonly type: StoredType;
  readonly shape: Shape;
  readonly bytes: Uint8Array;
}

/** A parsed file: tensors by name in the order of their bytes, and the free-form `__metadata__`. */
export interface Safetensors {
  readonly metadata: ReadonlyMap<string, string>;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

const MOST_HEADER_BYTES = 100_000_000;
/** Tensors that a file may hold. */
export const MOST_TENSORS = 50_000;
/** Axes that a tensor may have. */
export const MOST_AXES = 16;

interface Entry {
  readonly name: string;
  readonly type: StoredType;
  readonly shape: Shape;
  readonly begin: number;
  readonly end: number;
}

/** Parses and checks a whole file; `where` (a file name) begins every error. Copies nothing. */
export function parseSafetensors(file: Uint8Array, where = "safetensors"): Safetensors {
  const { header, dataStart } = readHeader(file, where);
  const entries: Entry[] = [];
  let metadata: ReadonlyMap<string, string> = new Map();
  for (const [name, value] of header) {
    if (name === "__metadata__") metadata = checkMetadata(value, where);
    else entries.push(checkEntry(name, value, where));
  }
  if (entries.length > MOST_TENSORS) throw new FormatError(`${where}: ${entries.length} tensors, at most ${MOST_TENSORS} are accepted`);
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkLayout(entries, file.length - dataStart, where);
  const tensors = new Map<string, StoredTensor>();
  for (const { name, type, shape, begin, end } of entries) {
    tensors.set(name, { type, shape, bytes: file.subarray(dataStart + begin, dataStart + end) });
  }
  return { metadata, tensors };
}

function readHeader(file: Uint8Array, where: string): { header: ReadonlyMap<string, StrictJson>; dataStart: number } {
  if (file.length < 8) throw new FormatError(`${where}: ${file.length} bytes, a safetensors file has at least 8 (truncated or not one?)`);
  const length = new DataView(file.buffer, file.byteOffset).getBigUint64(0, true);
  if (length > MOST_HEADER_BYTES) {
    throw new FormatError(`${where}: header of ${length} bytes, at most ${MOST_HEADER_BYTES} are accepted (not a safetensors file?)`);
  }
  const dataStart = 8 + Number(length);
  if (dataStart > file.length) {
    throw new FormatError(`${where}: header of ${length} bytes in a file of ${file.length} (truncated?)`);
  }
  const bytes = file.subarray(8, dataStart);
  if (bytes[0] !== 0x7b) throw new FormatError(`${where}: the header does not begin with "{" (not a safetensors file?)`);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new FormatError(`${where}: the header is not valid UTF-8`, { cause });
  }
  // Each tensor brings 3 named members and 2 + its rank elements; the bound stops hostile headers before they fill the memory.
  const header = parseStrictJson(text, `${where}: header`, { depth: 4, members: MOST_TENSORS * 12 });
  return { header: header as ReadonlyMap<string, StrictJson>, dataStart };
}

function checkMetadata(value: StrictJson, where: string): ReadonlyMap<string, string> {
  if (!(value instanceof Map)) throw new FormatError(`${where}: __metadata__ is not an object`);
  for (const [name, text] of value) {
    if (typeof text !== "string") throw new FormatError(`${where}: __metadata__ ${JSON.stringify(name)} is not a string`);
  }
  return value as ReadonlyMap<string, string>;
}

function checkEntry(name: string, value: StrictJson, where: string): Entry {
  const place = `${where}: tensor ${JSON.stringify(name)}`;
  if (!(value instanceof Map)) throw new FormatError(`${place}: not an object`);
  const { type, shape, offsets } = { type: value.get("dtype"), shape: value.get("shape"), offsets: value.get("data_offsets") };
  if (value.size !== 3 || type === undefined || shape === undefined || offsets === undefined) {
    throw new FormatError(`${place}: has ${[...value.keys()].join(", ") || "no members"}, needs exactly dtype, shape and data_offsets`);
  }
  if (typeof type !== "string" || !Object.hasOwn(bytesOfType, type)) {
    throw new FormatError(`${place}: dtype ${JSON.stringify(type)}, known are ${Object.keys(bytesOfType).join(", ")}`);
  }
  if (!isListOfCounts(shape)) throw new FormatError(`${place}: shape ${show(shape)}, needs whole numbers of 0 or more`);
  if (shape.length > MOST_AXES) throw new FormatError(`${place}: ${shape.length} axes, at most ${MOST_AXES} are accepted`);
  if (!isListOfCounts(offsets) || offsets.length !== 2) {
    throw new FormatError(`${place}: data_offsets ${show(offsets)}, needs two whole numbers of 0 or more`);
  }
  const [begin, end] = offsets;
  if (begin > end) throw new FormatError(`${place}: data_offsets begin at ${begin}, after their end ${end}`);
  const bytes = byteLength(shape, bytesOfType[type as StoredType]);
  if (bytes !== end - begin) {
    throw new FormatError(`${place}: ${end - begin} bytes, but shape ${formatShape(shape)} of ${type} needs ${bytes ?? "more than 2^53"}`);
  }
  return { name, type: type as StoredType, shape, begin, end };
}

function isListOfCounts(value: StrictJson): value is readonly number[] {
  return Array.isArray(value) && value.every((extent) => Number.isSafeInteger(extent) && extent >= 0 && !Object.is(extent, -0));
}

function show(value: StrictJson): string {
  return Array.isArray(value) ? `[${value.slice(0, MOST_AXES).map(String).join(", ")}]` : typeof value;
}

/** The product, or undefined where it (or a partial product) leaves the exact integers. */
function byteLength(shape: Shape, bytesEach: number): number | undefined {
  let product = bytesEach;
  for (const extent of shape) {
    product *= extent;
    if (!Number.isSafeInteger(product)) return undefined;
  }
  return product;
}

function checkLayout(entries: readonly Entry[], dataBytes: number, where: string): void {
  let at = 0;
  for (const { name, begin, end } of entries) {
    if (begin !== at) {
      const fault = begin < at ? "overlaps the tensor before it" : "leaves a gap";
      throw new FormatError(`${where}: tensor ${JSON.stringify(name)} begins at byte ${begin} and ${fault}, which ends at ${at}`);
    }
    at = end;
    if (end > dataBytes) {
      throw new FormatError(`${where}: tensor ${JSON.stringify(name)} ends at byte ${end} of ${dataBytes} (truncated?)`);
    }
  }
  if (at !== dataBytes) throw new FormatError(`${where}: ${dataBytes - at} bytes after the last tensor`);
}

/** Memory that starts where an element may start: the file's own where it is aligned, a copy elsewhere. */
function aligned(bytes: Uint8Array, bytesEach: number): { buffer: ArrayBufferLike; byteOffset: number; length: number } {
  // A constructor copies always; slice would not where the bytes are a Node Buffer.
  const held = bytes.byteOffset % bytesEach === 0 ? bytes : new Uint8Array(bytes);
  return { buffer: held.buffer, byteOffset: held.byteOffset, length: held.length / bytesEach };
}

const VIEWS: Record<StoredType, (bytes: Uint8Array) => NumericArray> = {
  F64: (bytes) => ((at) => new Float64Array(at.buffer, at.byteOffset, at.length))(aligned(bytes, 8)),
  F32: (bytes) => ((at) => new Float32Array(at.buffer, at.byteOffset, at.length))(aligned(bytes, 4)),
  F16: (bytes) => widen(bytes, halfToFloat),
  BF16: (bytes) => widen(bytes, brainToFloat),
  I64: (bytes) => ((at) => new BigInt64Array(at.buffer, at.byteOffset, at.length))(aligned(bytes, 8)),
  I32: (bytes) => ((at) => new Int32Array(at.buffer, at.byteOffset, at.length))(aligned(bytes, 4)),
  I16: (bytes) => ((at) => Int32Array.from(new Int16Array(at.buffer, at.byteOffset, at.length)))(aligned(bytes, 2)),
  I8: (bytes) => Int32Array.from(new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length)),
  U8: (bytes) => bytes,
  BOOL: (bytes) => bytes,
};

function widen(bytes: Uint8Array, toFloat: (bits: number) => number): Float32Array {
  const { buffer, byteOffset, length } = aligned(bytes, 2);
  return Float32Array.from(new Uint16Array(buffer, byteOffset, length), toFloat);
}

/** IEEE binary16: 1 sign, 5 exponent and 10 fraction bits. */
function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

const word = new DataView(new ArrayBuffer(4));

/** bfloat16 is the upper half of a float32. */
function brainToFloat(bits: number): number {
  word.setUint32(0, bits << 16);
  return word.getFloat32(0);
}

/** The elements of a stored tensor: a view of the file where type and alignment allow, else a copy (16-bit floats widen to float32). */
export function elements(stored: StoredTensor): Tensor<NumericArray> {
  return { shape: stored.shape, data: VIEWS[stored.type](stored.bytes) };
}

/** The elements as float32; integers and float64 are rounded. */
export function elementsAsFloat32(stored: StoredTensor): Tensor {
  const { shape, data } = elements(stored);
  if (data instanceof Float32Array) return { shape, data };
  return { shape, data: data instanceof BigInt64Array ? Float32Array.from(data, Number) : Float32Array.from(data) };
}

/** The weights of a safetensors file of any origin, as float32 by name. */
export function readWeights(file: Uint8Array, where = "safetensors"): ReadonlyMap<string, Tensor> {
  const { tensors } = parseSafetensors(file, where);
  return new Map([...tensors].map(([name, stored]) => [name, elementsAsFloat32(stored)]));
}

function typeOf(data: NumericArray): StoredType {
  if (data instanceof Float32Array) return "F32";
  if (data instanceof Float64Array) return "F64";
  if (data instanceof BigInt64Array) return "I64";
  if (data instanceof Int32Array) return "I32";
  return data instanceof Int8Array ? "I8" : "U8";
}

/** Writes a file: wide elements first, then by name, so that every tensor is aligned and the same content gives the same bytes. */
export function serialiseSafetensors(
  tensors: Iterable<readonly [string, Tensor<NumericArray>]>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const sorted = [...tensors].sort(([nameA, a], [nameB, b]) => {
    const wider = b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT;
    return wider || (nameA < nameB ? -1 : 1);
  });
  const members: string[] = [];
  const named = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  if (named.length > 0) members.push(`"__metadata__":{${named.map(([name, text]) => `${JSON.stringify(name)}:${JSON.stringify(text)}`)}}`);
  let at = 0;
  for (const [name, { shape, data }] of sorted) {
    const end = at + data.byteLength;
    members.push(`${JSON.stringify(name)}:${JSON.stringify({ dtype: typeOf(data), shape, data_offsets: [at, end] })}`);
    at = end;
  }
  const header = new TextEncoder().encode(`{${members.join(",")}}`);
  const padded = Math.ceil(header.length / 8) * 8;
  const file = new Uint8Array(8 + padded + at).fill(0x20, 8, 8 + padded);
  new DataView(file.buffer).setBigUint64(0, BigInt(padded), true);
  file.set(header, 8);
  at = 8 + padded;
  for (const [, { data }] of sorted) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return file;
}
