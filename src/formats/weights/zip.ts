/**
 * Zip archives from strangers, read in memory: the directory at the end names the entries, each entry repeats its name in front of its
 * bytes. Nothing in it is believed before it has been checked against the archive's own length: entries neither overlap nor repeat a name,
 * and what they expand to is bounded before anything is expanded.
 */
import { crc32 } from "../../core/crc32.ts";
import { FormatError } from "../../core/errors.ts";

/** One file of an archive. */
export interface ZipEntry {
  readonly name: string;
  /** Bytes when expanded. */
  readonly size: number;
  /** Its bytes, checked by CRC-32: a view of the archive where they are stored as they are. */
  bytes(): Promise<Uint8Array>;
}

/** Files that an archive may hold. */
const MOST_ENTRIES = 100_000;
/** All files expanded may be so many times as large as the archive; small archives may come to the floor. */
const MOST_RATIO = 64;
const RATIO_FLOOR = 1 << 24;
/** Compressed bytes that are handed to the decompressor at a time: deflate expands by at most 1032. */
const PIECE = 1 << 14;

const END = 0x06054b50;
const END_64 = 0x06064b50;
const LOCATOR_64 = 0x07064b50;
const DIRECTORY_ENTRY = 0x02014b50;
const LOCAL_ENTRY = 0x04034b50;
const [END_BYTES, LOCATOR_BYTES, DIRECTORY_BYTES, LOCAL_BYTES] = [22, 20, 46, 30];
const MOST_COMMENT = 0xffff;
const STORED = 0;
const DEFLATED = 8;

interface Directory {
  readonly count: number;
  readonly start: number;
  readonly end: number;
}

interface Listed {
  readonly name: string;
  readonly method: number;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  /** Where the entry's own head begins. */
  readonly at: number;
}

/** True where bytes begin as a zip archive does. */
export function isZip(file: Uint8Array): boolean {
  return file.length >= END_BYTES && [0x50, 0x4b, 3, 4].every((byte, i) => file[i] === byte);
}

/** The files of an archive by name; `where` begins every error. */
export function readZip(file: Uint8Array, where: string): ReadonlyMap<string, ZipEntry> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const directory = findDirectory(view, where);
  const listed = readDirectory(view, directory, where);
  const expanded = listed.reduce((sum, { size }) => sum + size, 0);
  const most = Math.max(RATIO_FLOOR, MOST_RATIO * file.length);
  if (expanded > most) throw new FormatError(`${where}: ${file.length} bytes that expand to ${expanded}, at most ${most} are accepted`);
  const places = listed.map((entry) => ({ ...entry, ...placeOf(view, entry, where) }));
  checkPlaces(places, directory.start, where);
  return new Map(
    places.map((place) => {
      const packed = file.subarray(place.start, place.end);
      return [place.name, { name: place.name, size: place.size, bytes: () => expand(packed, place, where) }];
    }),
  );
}

/** A 64-bit number that must be an exact one. */
function exact(view: DataView, at: number, where: string): number {
  const value = Number(view.getBigUint64(at, true));
  if (!Number.isSafeInteger(value)) throw new FormatError(`${where}: a size or place of more than 2^53 in the archive's directory`);
  return value;
}

function findDirectory(view: DataView, where: string): Directory {
  const last = view.byteLength - END_BYTES;
  let at = last;
  const first = Math.max(0, last - MOST_COMMENT);
  const isEnd = (place: number): boolean => view.getUint32(place, true) === END && view.getUint16(place + 20, true) === last - place;
  while (at >= first && !isEnd(at)) at--;
  if (at < first) throw new FormatError(`${where}: the zip archive has no end (truncated?)`);
  const [disk, ...rest] = [4, 6, 8].map((offset) => view.getUint16(at + offset, true));
  const is64 = at >= LOCATOR_BYTES && view.getUint32(at - LOCATOR_BYTES, true) === LOCATOR_64;
  if (!is64 && (disk !== 0 || rest[0] !== 0)) throw new FormatError(`${where}: a zip archive in several parts; it needs to be one file`);
  const found = is64
    ? directory64(view, exact(view, at - LOCATOR_BYTES + 8, where), where)
    : { count: view.getUint16(at + 10, true), bytes: view.getUint32(at + 12, true), start: view.getUint32(at + 16, true) };
  const end = found.start + found.bytes;
  if (end > at) throw new FormatError(`${where}: the zip archive's directory ends at byte ${end} of ${at} (truncated?)`);
  if (found.count > MOST_ENTRIES) throw new FormatError(`${where}: ${found.count} files, at most ${MOST_ENTRIES} are accepted`);
  return { count: found.count, start: found.start, end };
}

function directory64(view: DataView, at: number, where: string): { count: number; bytes: number; start: number } {
  if (at + 56 > view.byteLength || view.getUint32(at, true) !== END_64)
    throw new FormatError(`${where}: the zip archive's end leads to byte ${at}, where no end of a large archive is (truncated?)`);
  const [count, bytes, start] = [32, 40, 48].map((offset) => exact(view, at + offset, where));
  return { count, bytes, start };
}

function readName(view: DataView, at: number, length: number, where: string): string {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + at, length);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new FormatError(`${where}: a file name in the archive is not valid UTF-8`, { cause });
  }
}

function readDirectory(view: DataView, { count, start, end }: Directory, where: string): Listed[] {
  const listed: Listed[] = [];
  const names = new Set<string>();
  let at = start;
  for (let i = 0; i < count; i++) {
    if (at + DIRECTORY_BYTES > end || view.getUint32(at, true) !== DIRECTORY_ENTRY)
      throw new FormatError(`${where}: file ${i} of ${count} is missing in the archive's directory`);
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((offset) => view.getUint16(at + offset, true));
    const next = at + DIRECTORY_BYTES + nameBytes + extraBytes + commentBytes;
    if (next > end) throw new FormatError(`${where}: file ${i} of ${count} leaves the archive's directory`);
    const name = readName(view, at + DIRECTORY_BYTES, nameBytes, where);
    if (names.has(name)) throw new FormatError(`${where}: the archive holds ${JSON.stringify(name)} twice`);
    names.add(name);
    listed.push(readListed(view, at, name, at + DIRECTORY_BYTES + nameBytes, extraBytes, where));
    at = next;
  }
  return listed;
}

/** Numbers of a directory entry; those that are all ones stand in the extra field of large archives. */
function readListed(view: DataView, at: number, name: string, extra: number, extraBytes: number, where: string): Listed {
  const place = `${where}: ${JSON.stringify(name)} in the archive`;
  const [flags, method] = [view.getUint16(at + 8, true), view.getUint16(at + 10, true)];
  if (flags & 1) throw new FormatError(`${place}: encrypted; it needs to be readable`);
  if (method !== STORED && method !== DEFLATED)
    throw new FormatError(`${place}: compression method ${method}, known are 0 (none) and 8 (deflate)`);
  const numbers = [24, 20, 42].map((offset) => view.getUint32(at + offset, true));
  let wide = extra;
  while (wide + 4 <= extra + extraBytes && view.getUint16(wide, true) !== 1) wide += 4 + view.getUint16(wide + 2, true);
  wide += 4;
  for (const [i, number] of numbers.entries()) {
    if (number !== 0xffffffff) continue;
    if (wide + 8 > extra + extraBytes) throw new FormatError(`${place}: its size is missing`);
    numbers[i] = exact(view, wide, place);
    wide += 8;
  }
  const [size, packed, head] = numbers;
  if (method === STORED && size !== packed) throw new FormatError(`${place}: ${packed} bytes stored, ${size} announced`);
  return { name, method, crc: view.getUint32(at + 16, true), packed, size, at: head };
}

/** Where an entry's bytes are: behind its own head, which must name the same file. */
function placeOf(view: DataView, { name, packed, at }: Listed, where: string): { start: number; end: number } {
  const place = `${where}: ${JSON.stringify(name)} in the archive`;
  if (at + LOCAL_BYTES > view.byteLength || view.getUint32(at, true) !== LOCAL_ENTRY)
    throw new FormatError(`${place}: announced at byte ${at} of ${view.byteLength}, where no file begins`);
  const [nameBytes, extraBytes] = [26, 28].map((offset) => view.getUint16(at + offset, true));
  const start = at + LOCAL_BYTES + nameBytes + extraBytes;
  const end = start + packed;
  if (end > view.byteLength) throw new FormatError(`${place}: ends at byte ${end} of ${view.byteLength} (truncated?)`);
  const own = readName(view, at + LOCAL_BYTES, nameBytes, where);
  if (own !== name) throw new FormatError(`${place}: called ${JSON.stringify(own)} where its bytes are`);
  return { start, end };
}

function checkPlaces(places: readonly { name: string; at: number; end: number }[], limit: number, where: string): void {
  let end = 0;
  for (const place of places.toSorted((a, b) => a.at - b.at)) {
    if (place.at < end) throw new FormatError(`${where}: ${JSON.stringify(place.name)} in the archive overlaps the file before it`);
    end = place.end;
  }
  if (end > limit) throw new FormatError(`${where}: a file of the archive overlaps its directory`);
}

async function expand(packed: Uint8Array, { name, method, crc, size }: Listed, where: string): Promise<Uint8Array> {
  const place = `${where}: ${JSON.stringify(name)} in the archive`;
  const bytes = method === STORED ? packed : await inflate(packed, size, place);
  const found = crc32(bytes);
  if (found !== crc)
    throw new FormatError(
      `${place}: damaged: its CRC-32 is ${found.toString(16)}, the archive says ${crc.toString(16)}; copy or save it again`,
    );
  return bytes;
}

/** Expands to exactly the announced size; stops as soon as there is more. */
async function inflate(packed: Uint8Array, size: number, place: string): Promise<Uint8Array> {
  const { Inflate } = await import("fflate");
  const out = new Uint8Array(size);
  let length = 0;
  const stream = new Inflate((piece) => {
    if (length + piece.length > size) throw new FormatError(`${place}: expands to more than the ${size} bytes announced`);
    out.set(piece, length);
    length += piece.length;
  });
  try {
    for (let at = 0; at < packed.length; at += PIECE) stream.push(packed.subarray(at, at + PIECE), at + PIECE >= packed.length);
  } catch (cause) {
    if (cause instanceof FormatError) throw cause;
    throw new FormatError(`${place}: not valid deflate data`, { cause });
  }
  if (length !== size) throw new FormatError(`${place}: expands to ${length} bytes, ${size} announced (truncated?)`);
  return out;
}
