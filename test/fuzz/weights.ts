/** Readers of weights for mutated files: each takes any bytes, and either reads them or throws a FormatError. */
import { FormatError } from "../../src/core/errors.ts";
import { parseSafetensors, serialiseSafetensors } from "../../src/formats/safetensors.ts";
import { readNpy } from "../../src/formats/weights/npz.ts";
import { readWeightFile } from "../../src/formats/weights/weightFile.ts";
import { readZip } from "../../src/formats/weights/zip.ts";
import { npy, pickle, savez, torchSave } from "../lib/torchWriter.ts";
import { zip } from "../lib/zipWriter.ts";

/** A reader under attack: valid files to begin with, and what reads one. */
export interface FuzzTarget {
  readonly name: string;
  readonly seeds: readonly Uint8Array[];
  /** Resolves, or rejects with an error that `isRefusal` knows. */
  read(file: Uint8Array): Promise<unknown>;
  isRefusal(error: unknown): boolean;
}

const tensors = new Map([
  ["conv.weight", { shape: [2, 1, 2, 2], data: Float32Array.from({ length: 8 }, (_, i) => i / 8) }],
  ["bn.running_mean", { shape: [2], data: Float32Array.of(1, -1) }],
  ["scalar", { shape: [], data: Float32Array.of(3) }],
]);
const header = "{'descr': '<f8', 'fortran_order': True, 'shape': (2, 1), }";
const isRefusal = (error: unknown): boolean => error instanceof FormatError;

/** The readers of weights by format. */
export const weightTargets: readonly FuzzTarget[] = [
  {
    name: "safetensors",
    seeds: [serialiseSafetensors(tensors), serialiseSafetensors(tensors, { format: "pt" })],
    read: async (file) => parseSafetensors(file),
    isRefusal,
  },
  {
    name: "pytorch",
    seeds: [
      torchSave(tensors),
      torchSave(tensors, (state) =>
        pickle.dict([
          ["epoch", pickle.int(1)],
          ["state_dict", state],
        ]),
      ),
    ],
    read: readWeightFile,
    isRefusal,
  },
  { name: "npz", seeds: [savez(tensors), savez(tensors, true)], read: readWeightFile, isRefusal },
  {
    name: "npy",
    seeds: [npy(header, new Uint8Array(16)), npy(header, new Uint8Array(16), 2)],
    read: async (file) => readNpy(file, "npy"),
    isRefusal,
  },
  {
    name: "zip",
    seeds: [
      zip([
        { name: "a", bytes: new Uint8Array(100), isDeflated: true },
        { name: "b/c", bytes: Uint8Array.of(1, 2, 3) },
      ]),
    ],
    read: async (file) => Promise.all([...readZip(file, "zip").values()].map((entry) => entry.bytes())),
    isRefusal,
  },
];
