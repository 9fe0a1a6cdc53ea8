/**
 * A sealed file is a safetensors file whose metadata holds one JSON document and the SHA-256 of the whole file, taken with zeros in the
 * hash's own place. Models and checkpoints are sealed: a single changed bit is noticed before anything is believed.
 */
import { FormatError } from "../core/errors.ts";
import { sha256 } from "../core/sha256.ts";
import type { NumericArray, Tensor } from "../core/tensor.ts";
import { parseSafetensors, type StoredTensor, serialiseSafetensors } from "./safetensors.ts";

const HASH = "goldcrest.sha256";
const NO_HASH = "0".repeat(64);

/** What a sealed file of some kind holds. */
export interface Sealed {
  /** The parsed JSON document. */
  readonly content: unknown;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

/** Where the hash's 64 characters stand in a file, or −1. The header is JSON that we wrote, so the needle is exact. */
function placeOfHash(file: Uint8Array): number {
  const needle = new TextEncoder().encode(`"${HASH}":"`);
  const length = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  const header = file.subarray(0, Math.min(file.length, 8 + length));
  for (let at = header.indexOf(needle[0]); at >= 0; at = header.indexOf(needle[0], at + 1)) {
    if (needle.every((byte, i) => header[at + i] === byte)) return at + needle.length;
  }
  return -1;
}

/** The bytes of a sealed file; `key` names its kind. The same content gives the same bytes. */
export async function seal(key: string, content: unknown, tensors: ReadonlyMap<string, Tensor<NumericArray>>): Promise<Uint8Array> {
  const file = serialiseSafetensors(tensors, { [key]: JSON.stringify(content), [HASH]: NO_HASH });
  file.set(new TextEncoder().encode(await sha256(file)), placeOfHash(file));
  return file;
}

/** Opens a sealed file of a kind; throws FormatError where it is of another kind, torn or altered. `what` says what was expected. */
export async function unseal(key: string, what: string, file: Uint8Array, where: string): Promise<Sealed> {
  const { metadata, tensors } = parseSafetensors(file, where);
  const [text, hash] = [metadata.get(key), metadata.get(HASH)];
  if (text === undefined || hash === undefined) throw new FormatError(`${where}: not ${what} (no "${key}" in its metadata)`);
  // Not slice, which would share the memory where the bytes are a Node Buffer.
  const copy = new Uint8Array(file);
  const place = placeOfHash(copy);
  if (place >= 0) copy.set(new TextEncoder().encode(NO_HASH), place);
  const found = await sha256(copy);
  if (found !== hash) {
    throw new FormatError(
      `${where}: damaged or altered: the SHA-256 of its contents is ${found.slice(0, 12)}…, the file says ${hash.slice(0, 12)}…`,
    );
  }
  return { content: JSON.parse(text), tensors };
}
