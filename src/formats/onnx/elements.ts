/** Elements of stored tensors: ONNX's types, the bytes of each, and the arrays that hold them. */
import { FormatError } from "../../core/errors.ts";
import { type Shape, size } from "../../core/shape.ts";
import type { TensorProto } from "./schema.ts";

/** Elements as they are stored. */
export type ElementArray = Float32Array | Float64Array | BigInt64Array | Int32Array | Int8Array | Uint8Array;

/** A constant of an imported model. Numbers other than float32 are held in float64: whole ones are exact up to 2⁵³. */
export interface HostTensor {
  readonly shape: Shape;
  readonly data: Float32Array | Float64Array;
  /** ONNX's number of its type. */
  readonly type: number;
  /** What the file calls it, where it is stored there as it is. */
  readonly name?: string;
}

/** How the elements of one type are read: from raw bytes, and from the list that may hold them instead. */
interface ElementType {
  readonly name: string;
  readonly bytes: number;
  read(view: DataView, at: number): number;
  list(tensor: TensorProto): readonly (number | bigint)[];
}

const fromInt32 = (tensor: TensorProto): readonly number[] => tensor.int32Data;
const fromInt64 = (tensor: TensorProto): readonly bigint[] => tensor.int64Data;

/** A half-precision number from its 16 bits. */
function half(bits: number): number {
  const [sign, exponent, fraction] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

const types: Readonly<Record<number, ElementType>> = {
  1: { name: "float", bytes: 4, read: (view, at) => view.getFloat32(at, true), list: ({ floatData }) => floatData },
  2: { name: "uint8", bytes: 1, read: (view, at) => view.getUint8(at), list: fromInt32 },
  3: { name: "int8", bytes: 1, read: (view, at) => view.getInt8(at), list: fromInt32 },
  4: { name: "uint16", bytes: 2, read: (view, at) => view.getUint16(at, true), list: fromInt32 },
  5: { name: "int16", bytes: 2, read: (view, at) => view.getInt16(at, true), list: fromInt32 },
  6: { name: "int32", bytes: 4, read: (view, at) => view.getInt32(at, true), list: fromInt32 },
  7: { name: "int64", bytes: 8, read: (view, at) => Number(view.getBigInt64(at, true)), list: fromInt64 },
  9: { name: "bool", bytes: 1, read: (view, at) => view.getUint8(at), list: fromInt32 },
  10: {
    name: "float16",
    bytes: 2,
    read: (view, at) => half(view.getUint16(at, true)),
    list: ({ int32Data }) => int32Data.map((bits) => half(bits & 0xffff)),
  },
  11: { name: "double", bytes: 8, read: (view, at) => view.getFloat64(at, true), list: ({ doubleData }) => doubleData },
};

/** ONNX's numbers of the types that matter by name. */
export const FLOAT = 1;
export const UINT8 = 2;
const INT8 = 3;
export const INT64 = 7;
export const BOOL = 9;

/** True for types of whole numbers. */
export function isInteger(dataType: number): boolean {
  return dataType !== FLOAT && dataType !== 10 && dataType !== 11;
}

/** ONNX's number of an array's type. */
export function typeOf(data: ElementArray): number {
  if (data instanceof Float32Array) return FLOAT;
  if (data instanceof Uint8Array) return UINT8;
  if (data instanceof Int8Array) return INT8;
  if (data instanceof Int32Array) return 6;
  return data instanceof BigInt64Array ? 7 : 11;
}

/** The least and the largest number of a type of integers; unbounded for others. */
export function boundsOf(dataType: number): readonly [least: number, most: number] {
  const known: Readonly<Record<number, readonly [number, number]>> = {
    2: [0, 255],
    3: [-128, 127],
    4: [0, 65_535],
    5: [-32_768, 32_767],
  };
  return known[dataType] ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
}

/** Elements that one tensor may have. */
const MOST_ELEMENTS = 2 ** 29;

function shapeOf(tensor: TensorProto, where: string): Shape {
  const shape = tensor.dims.map(Number);
  const isFit = shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0) && size(shape) <= MOST_ELEMENTS;
  if (!isFit) throw new FormatError(`${where}: a shape of [${tensor.dims.join(", ")}]; needed are extents from 0 on, at most 2²⁹ elements`);
  return shape;
}

/** The elements of a tensor whose bytes lie in the file, or in `external` where they lie in another; refuses bytes that do not fit its shape. */
export function readTensor(tensor: TensorProto, where: string, external?: Uint8Array): HostTensor {
  const shape = shapeOf(tensor, where);
  const type = types[tensor.dataType];
  if (!type) throw new FormatError(`${where}: elements of type ${tensor.dataType}, which is not read; needed are numbers of up to 64 bits`);
  const count = size(shape);
  const raw = external ?? tensor.rawData;
  const found = { shape, type: tensor.dataType, ...(tensor.name === "" ? {} : { name: tensor.name }) };
  if (raw.length === 0 && count > 0) return { ...found, data: fromList(type.list(tensor), count, where) };
  if (raw.length !== count * type.bytes) {
    throw new FormatError(`${where}: ${raw.length} bytes for [${shape.join(", ")}] of ${type.name}, which takes ${count * type.bytes}`);
  }
  return { ...found, data: fromBytes(raw, type, count) };
}

function fromList(list: readonly (number | bigint)[], count: number, where: string): Float64Array {
  if (list.length !== count) throw new FormatError(`${where}: ${list.length} elements, its shape needs ${count}`);
  return Float64Array.from(list, Number);
}

const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

function fromBytes(raw: Uint8Array, type: ElementType, count: number): Float32Array | Float64Array {
  // Not slice, which would share the memory where the bytes are a Node Buffer.
  if (type === types[FLOAT] && isLittleEndian) return new Float32Array(new Uint8Array(raw).buffer);
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const data = new Float64Array(count);
  for (let i = 0; i < count; i++) data[i] = type.read(view, i * type.bytes);
  return data;
}
