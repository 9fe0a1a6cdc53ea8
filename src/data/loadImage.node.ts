import { open } from "node:fs/promises";
import { DataError } from "../core/errors.ts";
import { openNodeCodecs } from "./decode/codecs.node.ts";
import { type DecodeOptions, decodeImage } from "./decode/decode.ts";
import type { Image, PixelRule } from "./image.ts";
import { prepare } from "./resize.ts";

/** Largest image file read, bytes. */
const MOST_BYTES = 512 * 1024 * 1024;

let codecs: ReturnType<typeof openNodeCodecs> | undefined;

/** The contents of an ordinary file of bounded length; errors begin with `name`. */
export async function readBounded(path: string, name: string = path): Promise<Uint8Array> {
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

/** Reads and decodes one image file to upright RGB. */
export async function loadImage(path: string, options: DecodeOptions = {}): Promise<Image> {
  codecs ??= openNodeCodecs();
  return decodeImage(await readBounded(path), path, codecs, options);
}

/** One image file as the bytes of a rule: what a model is given in training, evaluation and classification alike. */
export async function loadPixels(path: string, rule: PixelRule, options: DecodeOptions = {}): Promise<Uint8Array> {
  return prepare(await loadImage(path, options), rule);
}
