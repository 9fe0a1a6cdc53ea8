import { FormatError } from "../core/errors.ts";
import { formatShape, type Shape, size } from "../core/shape.ts";

/** An IDX file of unsigned bytes: images are [count, height, width], labels are [count]. */
export interface Idx {
  readonly shape: Shape;
  readonly data: Uint8Array;
}

/** Largest contents accepted, bytes: ten times the full Fashion-MNIST. */
const DEFAULT_LIMIT = 512 * 1024 * 1024;
const UNSIGNED_BYTE = 8;

/** The shape that an IDX header announces (two zero bytes, type, rank, then big-endian extents) and the header's length. */
function parseHeader(bytes: Uint8Array, name: string, rank: number, limit: number): { shape: Shape; length: number } {
  const refuse = (what: string): never => {
    throw new FormatError(`${name}: not an IDX file of bytes with ${rank} ${rank === 1 ? "axis" : "axes"}: ${what}`);
  };
  const length = 4 + 4 * rank;
  if (bytes.length < length) refuse(`found ${bytes.length} bytes, the header needs ${length}`);
  const found = Array.from(bytes.subarray(0, 4));
  const needed = [0, 0, UNSIGNED_BYTE, rank];
  if (String(found) !== String(needed)) refuse(`it starts with ${found.join(" ")}, needs ${needed.join(" ")}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  if (shape.includes(0)) refuse(`shape ${formatShape(shape)} has no elements`);
  if (size(shape) > limit) refuse(`shape ${formatShape(shape)} has more than ${limit} elements`);
  return { shape, length };
}

function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** Decompresses gzip, refusing to produce more than `limitOf(first bytes)`. */
async function gunzip(bytes: Uint8Array, name: string, limitOf: (start: Uint8Array) => number): Promise<Uint8Array> {
  const stream = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream("gzip"));
  const reader = stream.getReader();
  const pieces: Uint8Array[] = [];
  let length = 0;
  let limit = Number.POSITIVE_INFINITY;
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      if (length === 0) limit = limitOf(next.value);
      length += next.value.length;
      if (length > limit) throw new FormatError(`${name}: holds more than the ${limit} bytes that its header announces`);
      pieces.push(next.value);
    }
  } catch (cause) {
    await reader.cancel().catch(() => undefined);
    if (cause instanceof FormatError) throw cause;
    throw new FormatError(`${name}: damaged or truncated gzip file (${(cause as Error).message})`, { cause });
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** Reads an IDX file, compressed with gzip or not; strict: the contents must have exactly the announced length. */
export async function parseIdx(bytes: Uint8Array, name: string, rank: 1 | 3, limit: number = DEFAULT_LIMIT): Promise<Idx> {
  const announced = (start: Uint8Array): number => {
    const header = parseHeader(start, name, rank, limit);
    return header.length + size(header.shape);
  };
  const plain = isGzip(bytes) ? await gunzip(bytes, name, announced) : bytes;
  const { shape, length } = parseHeader(plain, name, rank, limit);
  if (plain.length !== length + size(shape)) {
    throw new FormatError(`${name}: shape ${formatShape(shape)} needs ${length + size(shape)} bytes, found ${plain.length}`);
  }
  return { shape, data: new Uint8Array(plain.buffer, plain.byteOffset + length, plain.length - length) };
}

/** The bytes of an IDX file, uncompressed. */
export function serialiseIdx({ shape, data }: Idx): Uint8Array {
  const bytes = new Uint8Array(4 + 4 * shape.length + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, (UNSIGNED_BYTE << 8) | shape.length);
  shape.forEach((extent, axis) => {
    view.setUint32(4 + 4 * axis, extent);
  });
  bytes.set(data, 4 + 4 * shape.length);
  return bytes;
}
