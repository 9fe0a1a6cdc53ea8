/** A zip archive as torch.save and numpy.savez write it: entries stored, or deflated where asked; enough for tests, faults included. */
import { deflateRawSync } from "node:zlib";
import { crc32 } from "../../src/core/crc32.ts";

/** One file, and lies about it that tests need. */
export interface Packed {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly isDeflated?: boolean;
  /** What the directory says instead of the truth. */
  readonly size?: number;
  readonly crc?: number;
  readonly method?: number;
  readonly flags?: number;
  /** Its name in front of its bytes. */
  readonly ownName?: string;
  /** Where the directory says that it begins. */
  readonly at?: number;
}

function field(view: DataView, at: number, size: 2 | 4, value: number): void {
  if (size === 2) view.setUint16(at, value, true);
  else view.setUint32(at, value, true);
}

function record(fields: readonly (readonly [size: 2 | 4, value: number])[], ...tail: readonly Uint8Array[]): Uint8Array {
  const head = fields.reduce((sum, [size]) => sum + size, 0);
  const bytes = Buffer.alloc(head);
  let at = 0;
  for (const [size, value] of fields) {
    field(new DataView(bytes.buffer, bytes.byteOffset), at, size, value);
    at += size;
  }
  return Buffer.concat([bytes, ...tail]);
}

/** The archive's bytes. */
export function zip(files: readonly Packed[]): Uint8Array {
  const [heads, directory]: [Uint8Array[], Uint8Array[]] = [[], []];
  let at = 0;
  for (const file of files) {
    const packed = file.isDeflated ? deflateRawSync(file.bytes) : file.bytes;
    const method = file.method ?? (file.isDeflated ? 8 : 0);
    const name = Buffer.from(file.name);
    const own = Buffer.from(file.ownName ?? file.name);
    const crc = file.crc ?? crc32(file.bytes);
    const size = file.size ?? file.bytes.length;
    const shared = [
      [2, 20],
      [2, file.flags ?? 0],
      [2, method],
      [4, 0],
      [4, crc],
      [4, packed.length],
      [4, size],
    ] as const;
    const head = record([[4, 0x04034b50], ...shared, [2, own.length], [2, 0]], own, packed);
    const rest = [
      [2, name.length],
      [2, 0],
      [2, 0],
      [2, 0],
      [2, 0],
      [4, 0],
      [4, file.at ?? at],
    ] as const;
    directory.push(record([[4, 0x02014b50], [2, 20], ...shared, ...rest], name));
    heads.push(head);
    at += head.length;
  }
  const listed = Buffer.concat(directory);
  const counts = [
    [2, 0],
    [2, 0],
    [2, files.length],
    [2, files.length],
  ] as const;
  const end = record([[4, 0x06054b50], ...counts, [4, listed.length], [4, at], [2, 0]]);
  return new Uint8Array(Buffer.concat([...heads, listed, end]));
}
