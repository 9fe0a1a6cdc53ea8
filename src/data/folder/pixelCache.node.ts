import { randomBytes } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { crc32 } from "node:zlib";
import { type PixelRule, pixelKey } from "../image.ts";

/**
 * One file for each prepared image: 16 bytes of header (mark, size, channels, fit, CRC-32 of the pixels), then the pixels. The name is
 * the SHA-256 of the image file, so renamed, copied and touched files are found again and changed ones are not.
 */
const HEADER = 16;
const MARK = 0x58504347;
/** Goes up when the decoders or the resizer change what they produce. */
const VERSION = 1;

function entryPath(folder: string, hash: string, rule: PixelRule): string {
  return join(folder, "pixels", `v${VERSION}-${pixelKey(rule)}`, hash.slice(0, 2), hash);
}

/** Bytes of a rule's pixels. */
export function pixelBytes({ size, channels }: PixelRule): number {
  return size * size * channels;
}

/** The pixels kept for an image's hash, or undefined; an entry that is damaged or cut is removed. */
export async function readEntry(folder: string, hash: string, rule: PixelRule): Promise<Uint8Array | undefined> {
  const path = entryPath(folder, hash, rule);
  const bytes = await readFile(path).catch(() => undefined);
  if (!bytes) return undefined;
  if (bytes.length === HEADER + pixelBytes(rule) && bytes.readUInt32LE(0) === MARK) {
    const pixels = Uint8Array.prototype.slice.call(bytes, HEADER);
    if (bytes.readUInt32LE(12) === crc32(pixels)) return pixels;
  }
  await rm(path, { force: true }).catch(() => undefined);
  return undefined;
}

/** Keeps an image's pixels; written beside its place and renamed, so that no reader ever sees half an entry. False where that fails. */
export async function writeEntry(folder: string, hash: string, rule: PixelRule, pixels: Uint8Array): Promise<boolean> {
  const path = entryPath(folder, hash, rule);
  const part = `${path}.${randomBytes(6).toString("hex")}.part`;
  const header = Buffer.alloc(HEADER);
  header.writeUInt32LE(MARK, 0);
  header.writeUInt16LE(rule.size, 4);
  header.writeUInt8(rule.channels, 6);
  header.writeUInt8(rule.fit === "crop" ? 0 : 1, 7);
  header.writeUInt32LE(crc32(pixels), 12);
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(part, Buffer.concat([header, pixels]));
    await rename(part, path);
    return true;
  } catch {
    await rm(part, { force: true }).catch(() => undefined);
    return false;
  }
}
