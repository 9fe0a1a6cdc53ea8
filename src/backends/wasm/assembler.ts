/**
 * A typed assembler for WebAssembly functions. Expressions are values that carry their code (`instructions.ts`); statements are appended
 * by a `Code` builder to the function being written. Nothing is optimised here: the engine's compiler does that.
 */
import {
  type Bytes,
  Expr,
  type F32,
  f32x4,
  type I32,
  i16x8,
  i32,
  i32x4,
  integer,
  Local,
  simd,
  type Type,
  typeByte,
  unsigned,
  type V128,
} from "./instructions.ts";

export * from "./instructions.ts";

/** Writes the body of one function. `isRelaxed` decides what `madd` becomes. */
export interface Code {
  readonly isRelaxed: boolean;
  local<T extends Type>(value: Expr<T>): Local<T>;
  /** A new local, zero at function entry. */
  variable<T extends Type>(type: T): Local<T>;
  /** for (i = from; i < to; i += step), signed. */
  for(range: { from?: I32; to: I32; step?: I32 }, body: (i: Local<"i32">) => void): void;
  while(condition: () => Expr<"i32">, body: () => void): void;
  if(condition: Expr<"i32">, then: () => void, otherwise?: () => void): void;
  store(at: I32, value: V128 | F32 | Expr<"i32"> | Expr<"f64">, offset?: number): void;
  /** Stores the first 4 or 8 bytes of a vector. */
  storeLow(at: I32, value: V128, bytes: 4 | 8, offset?: number): void;
  /** Stores the third word, or the last 8 bytes, of a vector. */
  storeHigh(at: I32, value: V128, bytes: 4 | 8, offset?: number): void;
  /** Stores the lowest byte of a word. */
  store8(at: I32, value: Expr<"i32">, offset?: number): void;
  atomicStore(at: I32, value: I32): void;
  /** a · b + c on four lanes: fused where relaxed SIMD is on, else rounded twice. */
  madd(a: V128, b: V128, c: V128): V128;
  /** c − a · b, likewise. */
  nmadd(a: V128, b: V128, c: V128): V128;
  /** Copies bytes of the module's data segment `segment` to memory. */
  initMemory(segment: number, to: I32, from: I32, bytes: I32): void;
  /** Cuts off what lies behind the point; lanes must be within 32 bits. */
  truncate(x: V128): V128;
  /** (a · b + 2¹⁴) >> 15 on eight lanes of 16 bits, which must not both be −2¹⁵. */
  multiplyHigh(a: V128, b: V128): V128;
  /** Bytes of `a` at the places that `b` names, which are below 16. */
  permute(a: V128, b: V128): V128;
  /** Bytes of `a` where the mask's byte is all ones, of `b` where it is 0. */
  choose(mask: V128, a: V128, b: V128): V128;
  /** Sums of two products of neighbouring bytes, signed weights by pixels of 7 bits; only where `isRelaxed`. */
  dotPairs(weights: V128, pixels: V128): V128;
  /** sums + four products of neighbouring bytes, likewise. */
  dotFours(weights: V128, pixels: V128, sums: V128): V128;
  drop(value: Expr<Type>): void;
  callIndirect(type: number, index: I32, args: readonly I32[]): void;
  return(): void;
  /** Ends the run with an error of the engine. */
  trap(): void;
}

/** Finished function: locals and code, ready for the code section. */
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: its parts are closures over the code under construction.
export function assembleFunction(
  params: readonly Type[],
  isRelaxed: boolean,
  write: (k: Code, params: readonly Local<Type>[]) => void,
): Bytes {
  const locals: Type[] = [];
  let body: Bytes[] = [];
  const into = (): Bytes[] => body;
  const variable = <T extends Type>(type: T): Local<T> => new Local(type, params.length + locals.push(type) - 1, into);
  const nested = (inner: () => void): Bytes => {
    const outer = body;
    body = [];
    inner();
    const code = body;
    body = outer;
    return code;
  };
  const storeOp = { v128: [...simd(11), 2], f32: [0x38, 2], i32: [0x36, 2], f64: [0x39, 3] } as const;
  const k: Code = {
    isRelaxed,
    variable,
    local(value) {
      const held = variable(value.type);
      body.push([value.code, 0x21, unsigned(held.index)]);
      return held;
    },
    for({ from = 0, to, step = 1 }, inner) {
      const i = k.local(integer(from));
      const isInside = i32.lt(i, to).code;
      const code = nested(() => {
        inner(i);
        i.set(i.plus(step));
      });
      body.push([isInside, 0x04, 0x40, 0x03, 0x40, code, isInside, 0x0d, 0, 0x0b, 0x0b]);
    },
    while(condition, inner) {
      body.push([0x02, 0x40, 0x03, 0x40, condition().code, 0x45, 0x0d, 1, nested(inner), 0x0c, 0, 0x0b, 0x0b]);
    },
    if(condition, then, otherwise) {
      body.push([condition.code, 0x04, 0x40, nested(then), otherwise ? [0x05, nested(otherwise)] : [], 0x0b]);
    },
    store(at, value, offset = 0) {
      body.push([integer(at).code, value.code, storeOp[value.type], unsigned(offset)]);
    },
    storeLow(at, value, bytes, offset = 0) {
      body.push([integer(at).code, value.code, simd(bytes === 4 ? 0x5a : 0x5b), 2, unsigned(offset), 0]);
    },
    storeHigh(at, value, bytes, offset = 0) {
      body.push([integer(at).code, value.code, simd(bytes === 4 ? 0x5a : 0x5b), 2, unsigned(offset), bytes === 4 ? 2 : 1]);
    },
    store8(at, value, offset = 0) {
      body.push([integer(at).code, value.code, 0x3a, 0, unsigned(offset)]);
    },
    atomicStore(at, value) {
      body.push([integer(at).code, integer(value).code, 0xfe, 0x17, 2, 0]);
    },
    madd: (a, b, c) => (isRelaxed ? new Expr("v128", [a.code, b.code, c.code, simd(0x105)]) : f32x4.add(f32x4.mul(a, b), c)),
    nmadd: (a, b, c) => (isRelaxed ? new Expr("v128", [a.code, b.code, c.code, simd(0x106)]) : f32x4.sub(c, f32x4.mul(a, b))),
    initMemory(segment, to, from, bytes) {
      body.push([[to, from, bytes].map((each) => integer(each).code), 0xfc, 0x08, unsigned(segment), 0]);
    },
    truncate: (x) => (isRelaxed ? new Expr("v128", [x.code, simd(0x101)]) : i32x4.truncate(x)),
    multiplyHigh: (a, b) => (isRelaxed ? new Expr("v128", [a.code, b.code, simd(0x111)]) : i16x8.multiplyHigh(a, b)),
    permute: (a, b) => new Expr("v128", [a.code, b.code, simd(isRelaxed ? 0x100 : 0x0e)]),
    choose: (mask, a, b) => new Expr("v128", [a.code, b.code, mask.code, simd(isRelaxed ? 0x109 : 0x52)]),
    dotPairs: (weights, pixels) => new Expr("v128", [weights.code, pixels.code, simd(0x112)]),
    dotFours: (weights, pixels, sums) => new Expr("v128", [weights.code, pixels.code, sums.code, simd(0x113)]),
    drop(value) {
      body.push([value.code, 0x1a]);
    },
    callIndirect(type, index, args) {
      body.push([args.map((arg) => integer(arg).code), integer(index).code, 0x11, unsigned(type), 0]);
    },
    return() {
      body.push([0x0f]);
    },
    trap() {
      body.push([0x00]);
    },
  };
  write(
    k,
    params.map((type, index) => new Local(type, index, into)),
  );
  const declared = [unsigned(locals.length), locals.map((type) => [1, typeByte[type]])];
  return [declared, body, 0x0b];
}

/** Value-type bytes, for the type section. */
export function typeBytes(types: readonly Type[]): Bytes {
  return [unsigned(types.length), types.map((type) => typeByte[type])];
}
