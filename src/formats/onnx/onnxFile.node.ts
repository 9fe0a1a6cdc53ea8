/**
 * An ONNX file on disk with the tensors that it keeps in other files. Those are read only from inside the file's own folder: no path that
 * leaves it, no link of either kind on the way, no bytes beyond a file's end.
 */
import { constants } from "node:fs";
import { open, realpath } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { FileError, FormatError } from "../../core/errors.ts";
import type { OnnxNetwork, OnnxReadOptions } from "./read/index.ts";
import type { TensorProto } from "./schema.ts";

/** Bytes of a model file (the most that protocol buffers allow), and of all tensors outside it together. */
const MOST_BYTES = 2 ** 31 - 1;
const MOST_OUTSIDE = 2 ** 32;

const known = ["location", "offset", "length", "checksum"];

/** Where a tensor lies. */
interface Outside {
  readonly location: string;
  readonly offset: number;
  readonly length?: number;
}

function wholeNumber(text: string | undefined, key: string, where: string): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(number))
    throw new FormatError(`${where}: ${key} is ${JSON.stringify(text)}, needed a whole number`);
  return number;
}

/** A tensor's entries; refuses keys that are unknown or given twice, and places outside the folder. */
function outsideOf({ externalData }: TensorProto, where: string): Outside {
  const entries = new Map<string, string>();
  for (const { key, value } of externalData) {
    if (!known.includes(key) || entries.has(key))
      throw new FormatError(`${where}: the key ${JSON.stringify(key)} is unknown or given twice`);
    entries.set(key, value);
  }
  const location = entries.get("location") ?? "";
  const parts = location.split("/");
  const isInside = location !== "" && !/[\\\0:]/.test(location) && parts.every((part) => part !== "" && part !== "." && part !== "..");
  if (!isInside) throw new FormatError(`${where}: location is ${JSON.stringify(location)}, needed a path inside the model's folder`);
  const length = wholeNumber(entries.get("length"), "length", where);
  return { location, offset: wholeNumber(entries.get("offset"), "offset", where) ?? 0, ...(length === undefined ? {} : { length }) };
}

/** Reads a tensor's bytes from a file of the folder (a real path); `spend` counts them before they are read. */
async function readOutside(folder: string, outside: Outside, where: string, spend: (bytes: number) => void): Promise<Uint8Array> {
  const { location, offset } = outside;
  const path = join(folder, ...location.split("/"));
  const refuse = (why: string, cause?: Error): never => {
    throw new FormatError(`${where}: ${JSON.stringify(location)} ${why}`, { cause });
  };
  const real = await realpath(path).catch((cause: NodeJS.ErrnoException) =>
    refuse(`cannot be read (${cause.code ?? cause.message})`, cause),
  );
  if (real !== path || !real.startsWith(folder.endsWith(sep) ? folder : folder + sep))
    return refuse("is a link, or leads through one; needed is a file of the model's folder");
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
  const handle = await open(path, flags).catch((cause: NodeJS.ErrnoException) =>
    refuse(`cannot be read (${cause.code ?? cause.message})`, cause),
  );
  try {
    const info = await handle.stat();
    if (!info.isFile()) return refuse("is no file");
    if (info.nlink !== 1) return refuse("has a second name (a hard link); needed is a file of this folder alone");
    const length = outside.length ?? info.size - offset;
    if (length < 0 || length > MOST_BYTES || offset + length > info.size)
      return refuse(`has ${info.size} bytes; the tensor would begin at ${offset} and take ${length}`);
    spend(length);
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const { bytesRead } = await handle.read(bytes, done, length - done, offset + done);
      if (bytesRead === 0) return refuse("has become shorter while it was read");
      done += bytesRead;
    }
    return bytes;
  } finally {
    await handle.close();
  }
}

async function modelBytes(path: string): Promise<Uint8Array> {
  const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch((cause: NodeJS.ErrnoException) => {
    throw new FileError(
      `${path}: ${cause.code === "ENOENT" ? "there is no such file" : `cannot be read (${cause.code ?? cause.message})`}`,
      { cause },
    );
  });
  try {
    const info = await handle.stat();
    if (!info.isFile() || info.size > MOST_BYTES) throw new FileError(`${path}: needed is a file of at most ${MOST_BYTES} bytes`);
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

/** Reads an ONNX model from disk, with what it keeps in other files of its folder. */
export async function readOnnxFile(path: string, options: OnnxReadOptions = {}): Promise<OnnxNetwork> {
  const [{ decodeModelProto }, { readOnnx }] = await Promise.all([import("./schema.ts"), import("./read/index.ts")]);
  const file = await modelBytes(path);
  const { where = path } = options;
  const folder = dirname(await realpath(path));
  const external = new Map<string, Uint8Array>();
  let left = MOST_OUTSIDE;
  for (const tensor of decodeModelProto(file, where).graph?.initializer ?? []) {
    if (tensor.dataLocation !== 1) continue;
    const place = `${where}: tensor ${JSON.stringify(tensor.name)}`;
    const spend = (bytes: number): void => {
      left -= bytes;
      if (left < 0) throw new FormatError(`${place}: more than ${MOST_OUTSIDE} bytes outside the file`);
    };
    external.set(tensor.name, await readOutside(folder, outsideOf(tensor, place), place, spend));
  }
  return readOnnx(file, { ...options, where, external });
}
