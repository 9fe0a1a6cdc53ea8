import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { type Codecs, codecFiles, openCodecs } from "./codecs.ts";

/** Decoders in Node: their WebAssembly is read from the installed packages. */
export function openNodeCodecs(): Codecs {
  const { resolve } = createRequire(import.meta.url);
  return openCodecs(async (format) => WebAssembly.compile(await readFile(resolve(codecFiles[format]))));
}
