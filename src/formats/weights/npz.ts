/**
 * NumPy's files: `.npy` is a magic word, a Python dictionary that tells type, order and shape, then the elements; `.npz` is a zip archive of
 * them. The dictionary is read by its own small grammar; objects (pickled Python) are refused.
 */
import { FormatError } from "../../core/errors.ts";
import { formatShape, type Shape, size } from "../../core/shape.ts";
import { bytesOfType, MOST_AXES, type StoredTensor, type StoredType } from "../safetensors.ts";
import { denseBytes } from "./strided.ts";
import { readZip } from "./zip.ts";

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const MOST_HEADER_BYTES = 10_000;

/** NumPy's names of types, without byte order. */
const types: Readonly<Record<string, StoredType>> = {
  f2: "F16",
  f4: "F32",
  f8: "F64",
  i1: "I8",
  i2: "I16",
  i4: "I32",
  i8: "I64",
  u1: "U8",
  b1: "BOOL",
};

/** A member of the dictionary: a quoted name, and a quoted text, True, False or a tuple of whole numbers. */
const MEMBER = /'(\w+)'\s*:\s*(?:'([^'\\]*)'|(True|False)|\((\s*(?:\d{1,16}\s*,\s*)*(?:\d{1,16}\s*)?)\))\s*(?:,|(?=\}))\s*/y;

interface Header {
  readonly descr?: string;
  readonly fortran_order?: string;
  readonly shape?: string;
}

/** The dictionary's members as text; anything but the three that NumPy writes is refused. */
function readMembers(text: string, where: string): Header {
  const trimmed = text.trim();
  if (/'descr'\s*:\s*\[/.test(trimmed)) throw new FormatError(`${where}: a table of several fields; it needs one plain type`);
  const members = new Map<string, string>();
  let at = trimmed.startsWith("{") ? 1 : -1;
  while (at > 0 && at < trimmed.length - 1) {
    MEMBER.lastIndex = at;
    const found = MEMBER.exec(trimmed);
    if (!found || members.has(found[1])) break;
    members.set(found[1], found[2] ?? found[3] ?? found[4]);
    at = MEMBER.lastIndex;
  }
  const isWhole = at === trimmed.length - 1 && trimmed.endsWith("}");
  const isComplete = members.size === 3 && ["descr", "fortran_order", "shape"].every((name) => members.has(name));
  if (!isWhole || !isComplete)
    throw new FormatError(`${where}: header ${JSON.stringify(trimmed.slice(0, 80))}, needs descr, fortran_order and shape, each once`);
  return Object.fromEntries(members);
}

function typeOf(descr: string, where: string): StoredType {
  const [, order, name] = /^([<>|])(\w+)$/.exec(descr) ?? [];
  if (name?.startsWith("O")) throw new FormatError(`${where}: pickled Python objects, which could run code; it needs an array of numbers`);
  if (order === ">" && name !== undefined && Object.hasOwn(types, name) && bytesOfType[types[name]] > 1)
    throw new FormatError(`${where}: bytes in big-endian order; save it as array.astype("<${name}")`);
  if (name === undefined || !Object.hasOwn(types, name))
    throw new FormatError(`${where}: type ${JSON.stringify(descr)}, known are ${Object.keys(types).join(", ")}`);
  return types[name];
}

function headerBytes(file: Uint8Array, where: string): { start: number; end: number } {
  if (file.length < 12 || !MAGIC.every((byte, i) => file[i] === byte))
    throw new FormatError(`${where}: does not begin as a NumPy array does (truncated or not one?)`);
  const major = file[6];
  if (major < 1 || major > 3) throw new FormatError(`${where}: NumPy format ${major}, known are 1, 2 and 3`);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const start = major === 1 ? 10 : 12;
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > MOST_HEADER_BYTES) throw new FormatError(`${where}: header of ${length} bytes, at most ${MOST_HEADER_BYTES} are accepted`);
  if (start + length > file.length) throw new FormatError(`${where}: header of ${length} bytes in a file of ${file.length} (truncated?)`);
  return { start, end: start + length };
}

/** One array, its elements in row-major order: a view of the file where they lie so. */
export function readNpy(file: Uint8Array, where: string): StoredTensor {
  const { start, end } = headerBytes(file, where);
  const members = readMembers(new TextDecoder("latin1").decode(file.subarray(start, end)), where);
  const type = typeOf(members.descr ?? "", where);
  const shape: Shape = (members.shape ?? "").split(",").flatMap((text) => (text.trim() === "" ? [] : [Number(text)]));
  if (shape.length > MOST_AXES) throw new FormatError(`${where}: ${shape.length} axes, at most ${MOST_AXES} are accepted`);
  // A partial product over 2^53 must not hide behind a zero.
  const most = shape.reduce((product, extent) => product * Math.max(1, extent), bytesOfType[type]);
  if (!Number.isSafeInteger(most)) throw new FormatError(`${where}: shape ${formatShape(shape)} of ${type} needs more than 2^53 bytes`);
  const needed = size(shape) * bytesOfType[type];
  if (needed !== file.length - end)
    throw new FormatError(`${where}: ${file.length - end} bytes, but shape ${formatShape(shape)} of ${type} needs ${needed}`);
  const strides = shape.map((_, axis) => size(members.fortran_order === "True" ? shape.slice(0, axis) : shape.slice(axis + 1)));
  return { type, shape, bytes: denseBytes(file.subarray(end), bytesOfType[type], { offset: 0, shape, strides }) };
}

/** The arrays of an archive by name. */
export async function readNpz(file: Uint8Array, where: string): Promise<ReadonlyMap<string, StoredTensor>> {
  const arrays = new Map<string, StoredTensor>();
  for (const [name, entry] of readZip(file, where)) {
    const place = `${where}: ${JSON.stringify(name)}`;
    if (!name.endsWith(".npy")) throw new FormatError(`${place}: no NumPy array; an .npz archive holds .npy files only`);
    arrays.set(name.slice(0, -4), readNpy(await entry.bytes(), place));
  }
  return arrays;
}
