/** Files of weights by other programs: what kind one is follows from its contents. */
import { FormatError } from "../../core/errors.ts";
import type { Tensor } from "../../core/tensor.ts";
import { elementsAsFloat32, parseSafetensors, type StoredTensor } from "../safetensors.ts";
import { readNpz } from "./npz.ts";
import { findStateDict } from "./stateDict.ts";
import { openTorch } from "./torch.ts";
import { isZip } from "./zip.ts";

/** A kind of file that holds weights. */
export interface WeightFormat {
  readonly name: string;
  /** What it is, in words. */
  readonly what: string;
  /** True where a file's bytes begin as one of this kind. */
  isIt(file: Uint8Array): boolean;
  /** The tensors by the names in the file; `where` begins every error. */
  read(file: Uint8Array, where: string): Promise<ReadonlyMap<string, StoredTensor>>;
}

/** Weights by name, and the kind of file that they come from. */
export interface WeightFile {
  readonly format: string;
  readonly tensors: ReadonlyMap<string, Tensor>;
}

/** The name of the first file of a zip archive, which tells torch.save's from NumPy's. */
function firstName(file: Uint8Array): string {
  return new TextDecoder("latin1").decode(file.subarray(30, 30 + (file[26] | (file[27] << 8))));
}

async function readTorch(file: Uint8Array, where: string): Promise<ReadonlyMap<string, StoredTensor>> {
  const { root, read } = await openTorch(file, where);
  return read(findStateDict(root, where));
}

/** Every kind; the first that fits is taken. */
const weightFormats: readonly WeightFormat[] = [
  {
    name: "npz",
    what: "a NumPy archive (.npz)",
    isIt: (file) => isZip(file) && firstName(file).endsWith(".npy"),
    read: readNpz,
  },
  { name: "pytorch", what: "a PyTorch checkpoint (.pth, .pt) as torch.save writes it since 1.6", isIt: isZip, read: readTorch },
  {
    name: "safetensors",
    what: "a safetensors file",
    isIt: (file) => file.length > 8 && file[8] === 0x7b,
    read: async (file, where) => parseSafetensors(file, where).tensors,
  },
];

/** Beginnings of files that people have instead, and how they come to one that is read. */
const refused: readonly (readonly [bytes: readonly number[], text: string])[] = [
  [
    [0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19],
    "a checkpoint in PyTorch's old format, before 1.6; save it again with a newer PyTorch: torch.save(torch.load(FILE), NEW)",
  ],
  [[0x80], "a bare Python pickle; save it with torch.save(state_dict, NEW) or as safetensors"],
  [[0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59], 'a single NumPy array; weights have names: numpy.savez(NEW, **{"name": array, …})'],
  [[0x89, 0x48, 0x44, 0x46], "an HDF5 file (Keras); save the arrays with numpy.savez"],
  [[0x1f, 0x8b], "compressed by gzip; unpack it first"],
  [[0x50, 0x4b, 5, 6], "an empty zip archive"],
];

/** True where a file's bytes begin as one of a known kind. */
export function isWeights(file: Uint8Array): boolean {
  return weightFormats.some(({ isIt }) => isIt(file));
}

/** Reads weights of any known kind as float32; `where` begins every error. */
export async function readWeightFile(file: Uint8Array, where = "weights"): Promise<WeightFile> {
  const format = weightFormats.find(({ isIt }) => isIt(file));
  if (!format) throw new FormatError(`${where}: ${whatInstead(file)}\n  read are ${weightFormats.map(({ what }) => what).join(", ")}`);
  const stored = await format.read(file, where);
  if (stored.size === 0) throw new FormatError(`${where}: ${format.what} without a single tensor`);
  return { format: format.name, tensors: new Map([...stored].map(([name, each]) => [name, elementsAsFloat32(each)])) };
}

function whatInstead(file: Uint8Array): string {
  const known = refused.find(([bytes]) => bytes.every((byte, i) => file[i] === byte));
  if (known) return known[1];
  return file.length === 0 ? "an empty file" : "no file of weights (by its contents)";
}
