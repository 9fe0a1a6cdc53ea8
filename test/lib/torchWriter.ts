/** Checkpoints as torch.save writes them (protocol 2, a zip archive), and NumPy's archives, for tests. */
import { size } from "../../src/core/shape.ts";
import type { NumericArray, Tensor } from "../../src/core/tensor.ts";
import { denseStrides } from "../../src/formats/weights/strided.ts";
import { type Packed, zip } from "./zipWriter.ts";

const bytesOf = (data: NumericArray): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
const u32 = (value: number): number[] => [value & 255, (value >> 8) & 255, (value >> 16) & 255, (value >>> 24) & 255];
const ascii = (text: string): number[] => [...Buffer.from(text)];

/** Pieces of a pickle. */
export const pickle = {
  start: [0x80, 2],
  stop: [0x2e],
  mark: [0x28],
  text: (text: string): number[] => [0x58, ...u32(Buffer.byteLength(text)), ...ascii(text)],
  int: (value: number): number[] => [0x4a, ...u32(value)],
  global: (module: string, name: string): number[] => ascii(`c${module}\n${name}\n`),
  tuple: (...items: readonly number[][]): number[] => [0x28, ...items.flat(), 0x74],
  call: (callee: readonly number[], ...args: readonly number[][]): number[] => [...callee, ...pickle.tuple(...args), 0x52],
  dict: (entries: readonly (readonly [string, readonly number[]])[]): number[] => [
    0x7d,
    0x28,
    ...entries.flatMap(([key, value]) => [...pickle.text(key), ...value]),
    0x75,
  ],
  orderedDict: (entries: readonly (readonly [string, readonly number[]])[]): number[] => [
    ...ascii("ccollections\nOrderedDict\n"),
    0x29,
    0x52,
    0x28,
    ...entries.flatMap(([key, value]) => [...pickle.text(key), ...value]),
    0x75,
  ],
  storage: (type: string, key: string, count: number): number[] => [
    ...pickle.tuple(pickle.text("storage"), pickle.global("torch", type), pickle.text(key), pickle.text("cpu"), pickle.int(count)),
    0x51,
  ],
  tensor(storage: readonly number[], shape: readonly number[], offset = 0, strides: readonly number[] = denseStrides(shape)): number[] {
    const [sizes, steps] = [shape, strides].map((list) => pickle.tuple(...list.map(pickle.int)));
    return pickle.call(
      pickle.global("torch._utils", "_rebuild_tensor_v2"),
      [...storage],
      pickle.int(offset),
      sizes,
      steps,
      [0x89],
      pickle.orderedDict([]),
    );
  },
};

/** An archive with a pickle and its storages. */
export function checkpoint(
  program: readonly number[],
  storages: Readonly<Record<string, Uint8Array>>,
  more: readonly Packed[] = [],
): Uint8Array {
  return zip([
    { name: "archive/data.pkl", bytes: Uint8Array.from([...pickle.start, ...program, ...pickle.stop]) },
    ...Object.entries(storages).map(([key, bytes]) => ({ name: `archive/data/${key}`, bytes })),
    { name: "archive/version", bytes: Buffer.from("3\n") },
    ...more,
  ]);
}

/** What torch.save writes of a dictionary of float32 tensors; `nest` wraps the dictionary. */
export function torchSave(
  tensors: ReadonlyMap<string, Tensor>,
  nest: (stateDict: number[]) => number[] = (stateDict) => stateDict,
): Uint8Array {
  const storages: Record<string, Uint8Array> = {};
  const entries = [...tensors].map(([name, { shape, data }], i) => {
    storages[i] = bytesOf(data);
    return [name, pickle.tensor(pickle.storage("FloatStorage", String(i), data.length), shape)] as const;
  });
  return checkpoint(nest(pickle.orderedDict(entries)), storages);
}

/** A NumPy array: header text and elements as given. */
export function npy(header: string, data: Uint8Array, version: 1 | 2 = 1): Uint8Array {
  const length = version === 1 ? [header.length & 255, header.length >> 8] : u32(header.length);
  return new Uint8Array(
    Buffer.concat([Uint8Array.from([0x93, ...ascii("NUMPY"), version, 0, ...length]), Buffer.from(header, "latin1"), data]),
  );
}

/** What numpy.savez writes of float32 arrays. */
export function savez(tensors: ReadonlyMap<string, Tensor>, isDeflated = false): Uint8Array {
  return zip(
    [...tensors].map(([name, { shape, data }]) => {
      const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
      if (size(shape) !== data.length) throw new Error(`${name}: shape and data disagree`);
      const bytes = npy(`{'descr': '<f4', 'fortran_order': False, 'shape': ${tuple}, }\n`, bytesOf(data));
      return { name: `${name}.npy`, bytes, isDeflated };
    }),
  );
}
