/** Weights as each kind of file keeps them: what comes back, wherever it lay in the file. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateRawSync } from "node:zlib";
import { checkpoint, npy, pickle, savez, torchSave } from "../../../test/lib/torchWriter.ts";
import { zip } from "../../../test/lib/zipWriter.ts";
import { FormatError } from "../../core/errors.ts";
import { serialiseSafetensors } from "../safetensors.ts";
import { readWeightFile } from "./weightFile.ts";

const { dict, orderedDict, tensor, storage, text, int } = pickle;
const floats = (...values: readonly number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);
const single = tensor(storage("FloatStorage", "0", 1), [1]);

const tensors = new Map([
  ["w", { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
  ["__proto__", { shape: [1], data: Float32Array.of(7) }],
  ["constructor", { shape: [], data: Float32Array.of(8) }],
  ["nothing", { shape: [0, 4], data: new Float32Array() }],
]);

const kinds = {
  safetensors: serialiseSafetensors(tensors),
  pytorch: torchSave(tensors),
  npz: savez(tensors),
  compressed: savez(tensors, true),
};

for (const [kind, file] of Object.entries(kinds)) {
  test(`${kind}: tensors come back, and a name such as __proto__ is only a name (14)`, async () => {
    const read = await readWeightFile(file);
    assert.deepEqual(new Map([...read.tensors].sort()), new Map([...tensors].sort()));
    assert.equal(({} as { w?: unknown }).w, undefined);
  });

  test(`${kind}: cut anywhere it is refused (16)`, async () => {
    for (let length = 0; length < file.length; length++)
      await assert.rejects(readWeightFile(file.subarray(0, length)), FormatError, `cut to ${length} of ${file.length} bytes`);
  });

  test(`${kind}: infinite and undefined numbers are read as they are (15); import refuses them`, async () => {
    const odd = new Map([["w", { shape: [3], data: Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY, -0) }]]);
    const again = { safetensors: serialiseSafetensors(odd), pytorch: torchSave(odd), npz: savez(odd), compressed: savez(odd, true) };
    const { tensors: read } = await readWeightFile(again[kind as keyof typeof kinds]);
    assert.deepEqual(read, odd);
  });
}

test("tensors with strides, offsets and shared storages come out dense", async () => {
  const shared = storage("FloatStorage", "0", 6);
  const file = checkpoint(
    orderedDict([
      ["transposed", tensor(shared, [3, 2], 0, [1, 3])],
      ["column", tensor(shared, [2], 1, [3])],
      ["tail", tensor(shared, [2, 2], 2)],
      ["scalar", tensor(shared, [], 5)],
    ]),
    { 0: floats(1, 2, 3, 4, 5, 6) },
  );
  const { tensors: read } = await readWeightFile(file);
  assert.deepEqual(Object.fromEntries([...read].map(([name, { data }]) => [name, [...data]])), {
    transposed: [1, 4, 2, 5, 3, 6],
    column: [2, 5],
    tail: [3, 4, 5, 6],
    scalar: [6],
  });
});

test("every type of element becomes float32", async () => {
  const of: Readonly<Record<string, Uint8Array>> = {
    DoubleStorage: new Uint8Array(Float64Array.of(1.5, -2).buffer),
    HalfStorage: new Uint8Array(Uint16Array.of(0x3e00, 0xc000).buffer),
    BFloat16Storage: new Uint8Array(Uint16Array.of(0x3fc0, 0xc000).buffer),
    LongStorage: new Uint8Array(BigInt64Array.of(1n, -2n).buffer),
    IntStorage: new Uint8Array(Int32Array.of(1, -2).buffer),
    ShortStorage: new Uint8Array(Int16Array.of(1, -2).buffer),
    CharStorage: new Uint8Array(Int8Array.of(1, -2).buffer),
    ByteStorage: Uint8Array.of(1, 254),
    BoolStorage: Uint8Array.of(1, 0),
  };
  const names = Object.keys(of);
  const file = checkpoint(
    orderedDict(names.map((name, i) => [name, tensor(storage(name, String(i), 2), [2])])),
    Object.fromEntries(Object.values(of).map((each, i) => [i, each])),
  );
  const { tensors: read } = await readWeightFile(file);
  const found = names.map((name) => [...(read.get(name)?.data ?? [])]);
  assert.deepEqual(found, [
    [1.5, -2],
    [1.5, -2],
    [1.5, -2],
    [1, -2],
    [1, -2],
    [1, -2],
    [1, -2],
    [1, 254],
    [1, 0],
  ]);
});

test("arrays in Fortran's order are turned, a version 2 header is read", async () => {
  const order = `{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }`;
  const { tensors: read } = await readWeightFile(zip([{ name: "w.npy", bytes: npy(order, floats(1, 4, 2, 5, 3, 6), 2) }]));
  assert.deepEqual([...(read.get("w")?.data ?? [])], [1, 2, 3, 4, 5, 6]);
});

const wrappings: Readonly<Record<string, (state: number[]) => number[]>> = {
  "a checkpoint of a training": (state) =>
    dict([
      ["epoch", int(3)],
      ["arch", text("x")],
      ["state_dict", state],
      ["optimizer", dict([["state", dict([])]])],
    ]),
  "the model beside its optimiser": (state) =>
    dict([
      ["model", state],
      ["best", single],
    ]),
  "two deep": (state) => dict([["model", dict([["state_dict", state]])]]),
  "under an unusual name": (state) =>
    dict([
      ["weights_of_mine", state],
      ["epoch", int(3)],
    ]),
  "with a list of metadata": (state) => [...state, 0x7d, 0x28, ...text("_metadata"), ...orderedDict([]), 0x75, 0x62],
};

for (const [what, nest] of Object.entries(wrappings)) {
  test(`the weights are found: ${what}`, async () => {
    assert.deepEqual((await readWeightFile(torchSave(tensors, nest))).tensors, tensors);
  });
}

test("a deflated checkpoint is read: the archive says how its files are kept", async () => {
  const state = orderedDict([["w", tensor(storage("FloatStorage", "0", 2), [2])]]);
  const pickled = Uint8Array.from([...pickle.start, ...state, ...pickle.stop]);
  const file = zip([
    { name: "x/data.pkl", bytes: pickled, isDeflated: true },
    { name: "x/data/0", bytes: floats(1, 2), isDeflated: true },
  ]);
  assert(deflateRawSync(pickled).length < pickled.length);
  assert.deepEqual([...((await readWeightFile(file)).tensors.get("w")?.data ?? [])], [1, 2]);
});
