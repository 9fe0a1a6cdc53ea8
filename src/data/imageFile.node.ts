import { open, readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { DataError, FileError } from "../core/errors.ts";
import { openNodeCodecs } from "./decode/codecs.node.ts";
import { type DecodeOptions, decodeImage } from "./decode/decode.ts";
import type { PixelRule } from "./image.ts";
import { prepare } from "./resize.ts";

/** File endings taken for images, without regard to case; what the files are is decided by their contents. */
const IMAGE_NAME = /\.(jpe?g|jpe|jfif|png|webp)$/i;
/** Largest image file read, bytes. */
const MOST_BYTES = 512 * 1024 * 1024;

/** True where a file's name has an image's ending. */
export function isImageName(name: string): boolean {
  return IMAGE_NAME.test(name);
}

function refuseReading(path: string, needed: string, cause: NodeJS.ErrnoException): never {
  if (cause.code === "ENOENT") throw new FileError(`${path}: there is no such file`, { cause });
  if (cause.code === "EISDIR") throw new FileError(`${path}: found a folder, needs ${needed}`, { cause });
  throw new FileError(`${path}: cannot be read (${cause.code ?? cause.message})`, { cause });
}

/** The bytes of a file; a FileError says which file and why not. */
export async function readFileBytes(path: string): Promise<Uint8Array> {
  return readFile(path).catch((cause: Error) => refuseReading(path, "a file", cause));
}

/** The contents of an ordinary file of bounded length; a DataError begins with `name`. */
export async function readImageBytes(path: string, name: string = path): Promise<Uint8Array> {
  const refuse = (cause: NodeJS.ErrnoException): never => {
    const why = cause.code === "ENOENT" ? "there is no such file" : `cannot be read (${cause.code ?? cause.message})`;
    throw new DataError(`${name}: ${why}`, { cause });
  };
  const handle = await open(path, "r").catch(refuse);
  try {
    const info = await handle.stat();
    if (!info.isFile()) throw new DataError(`${name}: found ${info.isDirectory() ? "a folder" : "a device"}, needs an image file`);
    if (info.size > MOST_BYTES) throw new DataError(`${name}: found ${info.size} bytes, needs at most ${MOST_BYTES}`);
    return await handle.readFile().catch(refuse);
  } finally {
    await handle.close();
  }
}

/** A file as it is; a folder as the images in it and its sub-folders, in name order. */
export async function listImages(path: string): Promise<readonly string[]> {
  const found = await stat(path).catch((cause: Error) => refuseReading(path, "an image", cause));
  if (!found.isDirectory()) return [path];
  const names = await readdir(path, { recursive: true });
  return names
    .filter(isImageName)
    .sort()
    .map((name) => join(path, name));
}

/** Turns image files into prepared pixels, as training does; rejects with a DataError that begins with the path. */
export function openDecoder(options: DecodeOptions = {}): (path: string, rule: PixelRule) => Promise<Uint8Array> {
  const codecs = openNodeCodecs();
  return async (path, rule) => prepare(await decodeImage(await readImageBytes(path), path, codecs, options), rule);
}
