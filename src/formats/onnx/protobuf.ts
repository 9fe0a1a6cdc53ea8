/**
 * Protocol buffers, writing only: a message is its fields one after the other, each a tag (number · 8 + wire type) and its content.
 * Wire types: 0 variable-length integer, 2 length and bytes, 5 four bytes.
 */

/** One or more encoded fields. */
export type Field = Uint8Array;

const utf8 = new TextEncoder();

/** Seven bits a byte, lowest first; the top bit says that more follow. Negative numbers take their 64-bit two's complement. */
function varint(value: number | bigint): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return bytes;
}

/** Joins fields into one message's bytes. */
export function message(fields: readonly Field[]): Uint8Array {
  const bytes = new Uint8Array(fields.reduce((sum, field) => sum + field.length, 0));
  let at = 0;
  for (const field of fields) {
    bytes.set(field, at);
    at += field.length;
  }
  return bytes;
}

/** An integer field. */
export function integer(number: number, value: number | bigint): Field {
  return Uint8Array.from([...varint(number << 3), ...varint(value)]);
}

/** A field of bytes: text in UTF-8, raw data, or a nested message. */
export function bytes(number: number, content: Uint8Array): Field {
  return message([Uint8Array.from([...varint((number << 3) | 2), ...varint(content.length)]), content]);
}

/** A text field. */
export function text(number: number, content: string): Field {
  return bytes(number, utf8.encode(content));
}

/** A nested message. */
export function nested(number: number, fields: readonly Field[]): Field {
  return bytes(number, message(fields));
}

/** A float32 field. */
export function float(number: number, value: number): Field {
  const field = new DataView(new ArrayBuffer(4));
  field.setFloat32(0, value, true);
  return message([Uint8Array.from(varint((number << 3) | 5)), new Uint8Array(field.buffer)]);
}
