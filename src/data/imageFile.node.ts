import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { FileError } from "../core/errors.ts";
import { openNodeCodecs } from "./decode/codecs.node.ts";
import { decodeImage } from "./decode/decode.ts";
import type { PixelRule } from "./image.ts";
import { prepare } from "./resize.ts";

const IMAGE_NAME = /\.(jpe?g|png|webp)$/i;

/** The bytes of a file; a FileError says which file and why not. */
export async function readFileBytes(path: string): Promise<Uint8Array> {
  return readFile(path).catch((cause: Error) => {
    throw new FileError(`${path}: cannot be read (${cause.message})`, { cause });
  });
}

/** A file as it is; a folder as the images in it and its sub-folders, in name order. */
export async function listImages(path: string): Promise<readonly string[]> {
  const found = await stat(path).catch((cause: Error) => {
    throw new FileError(`${path}: cannot be read (${cause.message})`, { cause });
  });
  if (!found.isDirectory()) return [path];
  const names = await readdir(path, { recursive: true });
  return names
    .filter((name) => IMAGE_NAME.test(name))
    .sort()
    .map((name) => join(path, name));
}

/** Turns image files into prepared pixels, as training does; rejects with a DataError that begins with the path. */
export function openDecoder(): (path: string, rule: PixelRule) => Promise<Uint8Array> {
  const codecs = openNodeCodecs();
  return async (path, rule) => prepare(await decodeImage(await readFileBytes(path), path, codecs), rule);
}
