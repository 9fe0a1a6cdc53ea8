import assert from "node:assert/strict";
import { test } from "node:test";
import { FormatError } from "../core/errors.ts";
import { elements, elementsAsFloat32, parseSafetensors, readWeights, serialiseSafetensors } from "./safetensors.ts";

function file(header: string | Uint8Array, data: Uint8Array = new Uint8Array(), length?: bigint): Uint8Array {
  const text = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}

const entry = (dtype: string, shape: string, begin: number | string, end: number | string): string =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":[${begin},${end}]}`;
const bytes = (count: number): Uint8Array => new Uint8Array(count);

/** Hostile input → what the error must say. */
const refused: Record<string, readonly [Uint8Array, RegExp]> = {
  "an empty file": [bytes(0), /0 bytes, a safetensors file has at least 8/],
  "a header length of 2^64 - 1": [file("{}", bytes(0), 2n ** 64n - 1n), /header of 18446744073709551615 bytes/],
  "a header length over 100 MB": [file("{}", bytes(0), 100_000_001n), /at most 100000000/],
  "a header longer than the file": [file("{}", bytes(0), 99n), /header of 99 bytes in a file of 10/],
  "invalid UTF-8": [file(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d)), /not valid UTF-8/],
  "a header that is no object": [file("[1]"), /does not begin with "\{"/],
  "a header cut short": [file('{"a":'), /needed a value/],
  "text after the header's object": [file("{} x"), /needed nothing more/],
  "a name given twice": [file(`{"a":${entry("U8", "[1]", 0, 1)},"a":${entry("U8", "[1]", 0, 1)}}`, bytes(1)), /"a" is given twice/],
  "a name given twice through an escape": [
    file(`{"a":${entry("U8", "[1]", 0, 1)},"\\u0061":${entry("U8", "[1]", 1, 2)}}`, bytes(2)),
    /"a" is given twice/,
  ],
  "overlapping tensors": [
    file(`{"a":${entry("U8", "[4]", 0, 4)},"b":${entry("U8", "[4]", 2, 6)}}`, bytes(6)),
    /"b" begins at byte 2 and overlaps/,
  ],
  "a gap between tensors": [
    file(`{"a":${entry("U8", "[1]", 0, 1)},"b":${entry("U8", "[1]", 2, 3)}}`, bytes(3)),
    /"b" begins at byte 2 and leaves a gap/,
  ],
  "trailing bytes": [file(`{"a":${entry("U8", "[1]", 0, 1)}}`, bytes(3)), /2 bytes after the last tensor/],
  "begin after end": [file(`{"a":${entry("U8", "[1]", 3, 2)}}`, bytes(3)), /begin at 3, after their end 2/],
  "a shape product over 2^53": [file(`{"a":${entry("F32", "[4294967296,4294967296]", 0, 0)}}`), /needs more than 2\^53/],
  "a partial product over 2^53, hidden by a zero": [file(`{"a":${entry("F32", "[4294967296,4294967296,0]", 0, 0)}}`), /more than 2\^53/],
  "a negative extent": [file(`{"a":${entry("U8", "[-1]", 0, 0)}}`), /shape \[-1\], needs whole numbers/],
  "a fractional extent": [file(`{"a":${entry("U8", "[1.5]", 0, 1)}}`, bytes(1)), /shape \[1.5\], needs whole numbers/],
  "an extent beyond the exact integers": [file(`{"a":${entry("U8", "[1e300]", 0, 1)}}`, bytes(1)), /needs whole numbers/],
  "a negative offset": [file(`{"a":${entry("U8", "[1]", -1, 0)}}`), /data_offsets \[-1, 0\]/],
  "an unknown dtype": [file(`{"a":${entry("F8_E4M3", "[1]", 0, 1)}}`, bytes(1)), /dtype "F8_E4M3", known are/],
  "a dtype that objects inherit": [file(`{"a":${entry("constructor", "[1]", 0, 1)}}`, bytes(1)), /dtype "constructor"/],
  "100,000 tensors of size zero": [
    file(`{${Array.from({ length: 100_000 }, (_, i) => `"t${i}":${entry("F32", "[0]", 0, 0)}`).join(",")}}`),
    /at most 50000|more than 600000 members/,
  ],
  "bytes that do not fit the shape": [file(`{"a":${entry("F32", "[2]", 0, 4)}}`, bytes(4)), /4 bytes, but shape \[2\] of F32 needs 8/],
  "a tensor whose bytes are cut off": [file(`{"a":${entry("F32", "[2]", 0, 8)}}`, bytes(5)), /ends at byte 8 of 5 \(truncated\?\)/],
  "an entry with a further member": [
    file('{"a":{"dtype":"U8","shape":[],"data_offsets":[0,1],"x":1}}', bytes(1)),
    /needs exactly dtype, shape/,
  ],
  "metadata that is no text": [file('{"__metadata__":{"a":1}}'), /__metadata__ "a" is not a string/],
  "a name of 40 million characters": [file(`{"${"a".repeat(40_000_000)}":1}`), /a name of 40000000 characters, at most 4096/],
  "a text of 40 million characters without end": [file(`{"__metadata__":{"a":"${"a".repeat(40_000_000)}`), /needed a value/],
  "deep nesting": [file(`{"a":${"[".repeat(100_000)}`), /nested more than 4 deep/],
  "a lone surrogate in a name": [file(`{"\\ud800":${entry("U8", "[0]", 0, 0)}}`), /without lone surrogates/],
};

for (const [what, [input, message]] of Object.entries(refused)) {
  test(`${what} is refused`, () => {
    assert.throws(
      () => parseSafetensors(input, "x.safetensors"),
      (error: unknown) => error instanceof FormatError && error.message.startsWith("x.safetensors: ") && message.test(error.message),
    );
  });
}

test("every truncation of a good file is refused", () => {
  const good = serialiseSafetensors([["w", { shape: [3], data: Float32Array.of(1, 2, 3) }]], { a: "b" });
  for (let length = 0; length < good.length; length++) assert.throws(() => parseSafetensors(good.slice(0, length)), FormatError);
});

test("a tensor named __proto__ is only a tensor", () => {
  const { tensors } = parseSafetensors(file(`{"__proto__":${entry("U8", "[1]", 0, 1)}}`, Uint8Array.of(7)));
  assert.deepEqual([...tensors.keys()], ["__proto__"]);
  assert.equal(({} as Record<string, unknown>).dtype, undefined);
});

test("NaN and infinities come through as they are: judging values is the reader's business", () => {
  const data = Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);
  const { tensors } = parseSafetensors(serialiseSafetensors([["w", { shape: [3], data }]]));
  assert.deepEqual(elements(tensors.get("w") as never).data, data);
});

test("every element type is read", () => {
  const header = `{"f64":${entry("F64", "[1]", 0, 8)},"i64":${entry("I64", "[1]", 8, 16)},"i32":${entry("I32", "[1]", 16, 20)},"f16":${entry("F16", "[6]", 20, 32)},"bf16":${entry("BF16", "[2]", 32, 36)},"u8":${entry("U8", "[1]", 36, 37)},"i8":${entry("I8", "[1]", 37, 38)}}`;
  const data = new DataView(new ArrayBuffer(38));
  data.setFloat64(0, 0.1, true);
  data.setBigInt64(8, -(2n ** 40n), true);
  data.setInt32(16, -5, true);
  for (const [i, half] of [0x3c00, 0xc000, 0x0001, 0x7bff, 0xfc00, 0x3555].entries()) data.setUint16(20 + 2 * i, half, true);
  data.setUint16(32, 0x3f80, true);
  data.setUint16(34, 0xc049, true);
  data.setUint8(36, 250);
  data.setInt8(37, -3);
  const { tensors } = parseSafetensors(file(header, new Uint8Array(data.buffer)));
  const read = Object.fromEntries([...tensors].map(([name, stored]) => [name, [...elements(stored).data]]));
  const halves = [1, -2, 2 ** -24, 65504, Number.NEGATIVE_INFINITY, 0.333251953125];
  assert.deepEqual(read, { f64: [0.1], i64: [-(2n ** 40n)], i32: [-5], f16: halves, bf16: [1, -3.140625], u8: [250], i8: [-3] });
  assert.deepEqual(elementsAsFloat32(tensors.get("i64") as never).data, Float32Array.of(-(2 ** 40)));
});

test("what is written is read back, aligned and without a copy; the order of tensors does not matter", () => {
  const tensors = [
    ["b", { shape: [2, 1], data: Float32Array.of(1, -2) }],
    ["count", { shape: [], data: BigInt64Array.of(9n) }],
    ["a", { shape: [0], data: new Float32Array(0) }],
    ["mask", { shape: [3], data: Uint8Array.of(1, 2, 3) }],
  ] as const;
  const written = serialiseSafetensors(tensors, { z: "1", format: "ü" });
  assert.deepEqual(serialiseSafetensors([...tensors].reverse(), { format: "ü", z: "1" }), written);
  const parsed = parseSafetensors(written);
  assert.deepEqual(Object.fromEntries(parsed.metadata), { format: "ü", z: "1" });
  for (const [name, tensor] of tensors) {
    const stored = elements(parsed.tensors.get(name) as never);
    assert.deepEqual(stored, tensor);
    assert.equal(stored.data.buffer, written.buffer, name);
  }
});

test("float32 at an odd offset is copied rather than refused", () => {
  const header = `{"a":${entry("U8", "[1]", 0, 1)},"w":${entry("F32", "[1]", 1, 5)}}`;
  const data = new DataView(new ArrayBuffer(5));
  data.setFloat32(1, 1.5, true);
  const whole = file(header, new Uint8Array(data.buffer));
  for (const bytes of [whole, Buffer.from(whole)]) {
    assert.deepEqual(elements(parseSafetensors(bytes).tensors.get("w") as never).data, Float32Array.of(1.5));
  }
});

test("weights of every element type are read as float32", () => {
  const tensors = [
    ["a", { shape: [1], data: Float64Array.of(0.1) }],
    ["b", { shape: [], data: BigInt64Array.of(3n) }],
  ] as const;
  const read = readWeights(serialiseSafetensors(tensors));
  assert.deepEqual(read.get("a"), { shape: [1], data: Float32Array.of(0.1) });
  assert.deepEqual(read.get("b"), { shape: [], data: Float32Array.of(3) });
});
