/** The expressions of the typed assembler: values of one WebAssembly type that carry their code, and the instructions that make them. */

/** The number types that kernels use. */
export type Type = "i32" | "f32" | "f64" | "v128";
/** Nested byte lists, flattened once when the module is written. */
export type Bytes = readonly (number | Bytes)[];

/** Each type as the binary format writes it. */
export const typeByte: Record<Type, number> = { i32: 0x7f, f32: 0x7d, f64: 0x7c, v128: 0x7b };

/** Unsigned LEB128. */
export function unsigned(n: number): number[] {
  const bytes: number[] = [];
  let rest = n >>> 0;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest ? low | 0x80 : low);
  } while (rest);
  return bytes;
}

/** Signed LEB128 of a whole number. */
function signed(n: number): number[] {
  const bytes: number[] = [];
  let rest = n;
  for (; rest < -64 || rest > 63; rest = Math.floor(rest / 128)) bytes.push((rest & 0x7f) | 0x80);
  return [...bytes, rest & 0x7f];
}

/** An expression of one WebAssembly type. */
export class Expr<T extends Type> {
  readonly type: T;
  readonly code: Bytes;
  constructor(type: T, code: Bytes) {
    this.type = type;
    this.code = code;
  }
  plus(this: Expr<"i32">, n: I32): Expr<"i32"> {
    return n === 0 ? this : i32.add(this, n);
  }
  minus(this: Expr<"i32">, n: I32): Expr<"i32"> {
    return n === 0 ? this : i32.sub(this, n);
  }
  times(this: Expr<"i32">, n: I32): Expr<"i32"> {
    return n === 1 ? this : i32.mul(this, n);
  }
}

/** A local variable; reading it is the expression itself. */
export class Local<T extends Type> extends Expr<T> {
  readonly index: number;
  readonly #into: () => Bytes[];
  constructor(type: T, index: number, into: () => Bytes[]) {
    super(type, [0x20, unsigned(index)]);
    this.index = index;
    this.#into = into;
  }
  set(value: T extends "i32" ? I32 : Expr<T>): void {
    this.#into().push([integer(value as I32).code, 0x21, unsigned(this.index)]);
  }
  /** Adds to an integer local. */
  add(this: Local<"i32">, n: I32): void {
    this.set(this.plus(n));
  }
}

/** Integer operands may be written as plain numbers. */
export type I32 = Expr<"i32"> | number;
/** A vector of 128 bits. */
export type V128 = Expr<"v128">;
/** A 32-bit float. */
export type F32 = Expr<"f32">;

/** A number as an integer constant. */
export function integer(n: I32): Expr<"i32"> {
  return typeof n === "number" ? new Expr("i32", [0x41, signed(n | 0)]) : n;
}

const plain = (op: number): Bytes => [op];
/** The opcode of a SIMD instruction. */
export const simd = (op: number): Bytes => [0xfd, unsigned(op)];
const memory = (op: Bytes, align: number, offset: number): Bytes => [op, align, unsigned(offset)];

const binaryI32 = (op: number) => (a: I32, b: I32) => new Expr("i32", [integer(a).code, integer(b).code, op]);
const unaryOf =
  <T extends Type>(type: T, op: Bytes) =>
  (a: Expr<T>) =>
    new Expr(type, [a.code, op]);
const binaryOf =
  <T extends Type>(type: T, op: Bytes) =>
  (a: Expr<T>, b: Expr<T>) =>
    new Expr(type, [a.code, b.code, op]);
const compareOf =
  <T extends Type>(op: number) =>
  (a: Expr<T>, b: Expr<T>) =>
    new Expr("i32", [a.code, b.code, op]);

/** Integer instructions; addresses are bytes. */
export const i32 = {
  const: (n: number) => integer(n),
  add: binaryI32(0x6a),
  sub: binaryI32(0x6b),
  mul: binaryI32(0x6c),
  div: binaryI32(0x6d),
  divU: binaryI32(0x6e),
  rem: binaryI32(0x6f),
  remU: binaryI32(0x70),
  and: binaryI32(0x71),
  or: binaryI32(0x72),
  xor: binaryI32(0x73),
  shl: binaryI32(0x74),
  shr: binaryI32(0x75),
  shrU: binaryI32(0x76),
  eq: binaryI32(0x46),
  ne: binaryI32(0x47),
  lt: binaryI32(0x48),
  ltU: binaryI32(0x49),
  gt: binaryI32(0x4a),
  le: binaryI32(0x4c),
  ge: binaryI32(0x4e),
  geU: binaryI32(0x4f),
  eqz: (a: I32) => new Expr("i32", [integer(a).code, 0x45]),
  select: (isTrue: I32, a: I32, b: I32) => new Expr("i32", [integer(a).code, integer(b).code, integer(isTrue).code, 0x1b]),
  min: (a: I32, b: I32): Expr<"i32"> => i32.select(i32.lt(a, b), a, b),
  max: (a: I32, b: I32): Expr<"i32"> => i32.select(i32.gt(a, b), a, b),
  load: (at: I32, offset = 0) => new Expr("i32", [integer(at).code, memory(plain(0x28), 2, offset)]),
  /** A signed byte. */
  load8: (at: I32, offset = 0) => new Expr("i32", [integer(at).code, memory(plain(0x2c), 0, offset)]),
  load8U: (at: I32, offset = 0) => new Expr("i32", [integer(at).code, memory(plain(0x2d), 0, offset)]),
  truncate: (x: F32) => new Expr("i32", [x.code, 0xfc, 0x00]),
  bits: (x: F32) => new Expr("i32", [x.code, 0xbc]),
  atomicLoad: (at: I32, offset = 0) => new Expr("i32", [integer(at).code, memory([0xfe, 0x10], 2, offset)]),
  atomicAdd: (at: I32, n: I32, offset = 0) => new Expr("i32", [integer(at).code, integer(n).code, memory([0xfe, 0x1e], 2, offset)]),
  notify: (at: I32, count: I32) => new Expr("i32", [integer(at).code, integer(count).code, memory([0xfe, 0x00], 2, 0)]),
  /** Sleeps while the word holds `expected`, for at most some nanoseconds (−1: for good); 2 where that time is over. */
  wait: (at: I32, expected: I32, limit: number) =>
    new Expr("i32", [integer(at).code, integer(expected).code, 0x42, signed(limit), memory([0xfe, 0x01], 2, 0)]),
};

function float32(x: number): Bytes {
  return [...new Uint8Array(Float32Array.of(x).buffer)];
}

/** Single-precision instructions. */
export const f32 = {
  const: (x: number) => new Expr("f32", [0x43, float32(x)]),
  load: (at: I32, offset = 0) => new Expr("f32", [integer(at).code, memory(plain(0x2a), 2, offset)]),
  abs: unaryOf("f32", plain(0x8b)),
  neg: unaryOf("f32", plain(0x8c)),
  floor: unaryOf("f32", plain(0x8e)),
  nearest: unaryOf("f32", plain(0x90)),
  sqrt: unaryOf("f32", plain(0x91)),
  add: binaryOf("f32", plain(0x92)),
  sub: binaryOf("f32", plain(0x93)),
  mul: binaryOf("f32", plain(0x94)),
  div: binaryOf("f32", plain(0x95)),
  min: binaryOf("f32", plain(0x96)),
  max: binaryOf("f32", plain(0x97)),
  eq: compareOf<"f32">(0x5b),
  ne: compareOf<"f32">(0x5c),
  lt: compareOf<"f32">(0x5d),
  gt: compareOf<"f32">(0x5e),
  le: compareOf<"f32">(0x5f),
  ge: compareOf<"f32">(0x60),
  fromI32: (a: I32) => new Expr("f32", [integer(a).code, 0xb2]),
  fromBits: (a: I32) => new Expr("f32", [integer(a).code, 0xbe]),
  fromF64: (a: Expr<"f64">) => new Expr("f32", [a.code, 0xb6]),
  lane: (v: V128, lane: number) => new Expr("f32", [v.code, simd(0x1f), lane]),
  select: (isTrue: I32, a: F32, b: F32) => new Expr("f32", [a.code, b.code, integer(isTrue).code, 0x1b]),
};

/** Double-precision instructions. */
export const f64 = {
  fromF32: (a: F32) => new Expr("f64", [a.code, 0xbb]),
  const: (x: number) => new Expr("f64", [0x44, [...new Uint8Array(Float64Array.of(x).buffer)]]),
  load: (at: I32, offset = 0) => new Expr("f64", [integer(at).code, memory(plain(0x2b), 3, offset)]),
  add: binaryOf("f64", plain(0xa0)),
  sub: binaryOf("f64", plain(0xa1)),
  mul: binaryOf("f64", plain(0xa2)),
  div: binaryOf("f64", plain(0xa3)),
  sqrt: unaryOf("f64", plain(0x9f)),
  abs: unaryOf("f64", plain(0x99)),
  ceil: unaryOf("f64", plain(0x9b)),
  floor: unaryOf("f64", plain(0x9c)),
  min: binaryOf("f64", plain(0xa4)),
  max: binaryOf("f64", plain(0xa5)),
  gt: compareOf<"f64">(0x64),
  fromI32: (a: I32) => new Expr("f64", [integer(a).code, 0xb7]),
};

const v1 = (op: number) => unaryOf("v128", simd(op));
const v2 = (op: number) => binaryOf("v128", simd(op));
const shift = (op: number) => (a: V128, by: I32) => new Expr("v128", [a.code, integer(by).code, simd(op)]);

/** Instructions on whole vectors. */
export const v128 = {
  load: (at: I32, offset = 0) => new Expr("v128", [integer(at).code, memory(simd(0), 2, offset)]),
  load32Zero: (at: I32, offset = 0) => new Expr("v128", [integer(at).code, memory(simd(0x5c), 2, offset)]),
  load64Zero: (at: I32, offset = 0) => new Expr("v128", [integer(at).code, memory(simd(0x5d), 2, offset)]),
  /** Eight bytes as eight 16-bit lanes. */
  load8x8S: (at: I32, offset = 0) => new Expr("v128", [integer(at).code, memory(simd(1), 0, offset)]),
  load8x8U: (at: I32, offset = 0) => new Expr("v128", [integer(at).code, memory(simd(2), 0, offset)]),
  not: v1(0x4d),
  and: v2(0x4e),
  andNot: v2(0x4f),
  or: v2(0x50),
  xor: v2(0x51),
  /** Bits of a where the mask is set, of b elsewhere. */
  select: (mask: V128, a: V128, b: V128) => new Expr("v128", [a.code, b.code, mask.code, simd(0x52)]),
  anyTrue: (a: V128) => new Expr("i32", [a.code, simd(0x53)]),
  shuffle: (a: V128, b: V128, lanes: readonly number[]) => new Expr("v128", [a.code, b.code, simd(13), ...lanes]),
  const32: (...words: number[]) => new Expr("v128", [simd(12), [...new Uint8Array(Int32Array.from(words).buffer)]]),
};

/** Byte lanes that move four 32-bit lanes (0–3 from a, 4–7 from b). */
export function lanes32(...lanes: readonly number[]): number[] {
  return lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => lane * 4 + byte));
}

/** Instructions on four single-precision lanes. */
export const f32x4 = {
  const: (x: number) => new Expr("v128", [simd(12), [float32(x), float32(x), float32(x), float32(x)]]),
  splat: (x: F32) => new Expr("v128", [x.code, simd(0x13)]),
  loadSplat: (at: I32, offset = 0) => new Expr("v128", [integer(at).code, memory(simd(9), 2, offset)]),
  replace: (v: V128, lane: number, x: F32) => new Expr("v128", [v.code, x.code, simd(0x20), lane]),
  abs: v1(0xe0),
  neg: v1(0xe1),
  sqrt: v1(0xe3),
  floor: v1(0x68),
  nearest: v1(0x6a),
  add: v2(0xe4),
  sub: v2(0xe5),
  mul: v2(0xe6),
  div: v2(0xe7),
  min: v2(0xe8),
  max: v2(0xe9),
  pmin: v2(0xea),
  pmax: v2(0xeb),
  eq: v2(0x41),
  ne: v2(0x42),
  lt: v2(0x43),
  gt: v2(0x44),
  le: v2(0x45),
  ge: v2(0x46),
  fromI32x4: v1(0xfa),
};

/** Instructions on four integer lanes. */
export const i32x4 = {
  splat: (a: I32) => new Expr("v128", [integer(a).code, simd(0x11)]),
  add: v2(0xae),
  sub: v2(0xb1),
  mul: v2(0xb5),
  min: v2(0xb6),
  max: v2(0xb8),
  eq: v2(0x37),
  gt: v2(0x3b),
  shl: shift(0xab),
  shr: shift(0xac),
  shrU: shift(0xad),
  truncate: v1(0xf8),
  /** Sums of two products of neighbouring 16-bit lanes. */
  dot: v2(0xba),
  extendLowS: v1(0xa7),
  extendHighS: v1(0xa8),
  extendLowU: v1(0xa9),
  extendHighU: v1(0xaa),
};

/** Instructions on eight lanes of 16 bits. */
export const i16x8 = {
  splat: (a: I32) => new Expr("v128", [integer(a).code, simd(0x10)]),
  add: v2(0x8e),
  addSaturated: v2(0x8f),
  sub: v2(0x91),
  mul: v2(0x95),
  abs: v1(0x80),
  shl: shift(0x8b),
  /** (a · b + 2¹⁴) >> 15. */
  multiplyHigh: v2(0x82),
  extendLowS: v1(0x87),
  extendHighS: v1(0x88),
  extendLowU: v1(0x89),
  extendHighU: v1(0x8a),
  /** Lanes of two vectors of 32 bits, saturated. */
  narrow: v2(0x85),
};

/** Instructions on sixteen bytes. */
export const i8x16 = {
  splat: (a: I32) => new Expr("v128", [integer(a).code, simd(0x0f)]),
  /** Signed. */
  gt: v2(0x27),
  sub: v2(0x71),
  minU: v2(0x77),
  maxU: v2(0x79),
  /** Signed lanes of two vectors of 16 bits, saturated to 0 … 255. */
  narrowU: v2(0x66),
};
