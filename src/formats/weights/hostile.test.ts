/** Hostile checkpoints and NumPy archives: each refused with a FormatError that says where (those of safetensors: safetensors.test.ts). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkpoint, npy, pickle } from "../../../test/lib/torchWriter.ts";
import { type Packed, zip } from "../../../test/lib/zipWriter.ts";
import { FormatError } from "../../core/errors.ts";
import { readWeightFile } from "./weightFile.ts";

const { dict, orderedDict, tensor, storage, text, int, global, call, tuple } = pickle;
const bytes = (count: number): Uint8Array => new Uint8Array(count);
/** A checkpoint of one tensor on a storage of so many float32 elements. */
const one = (value: readonly number[], count = 6, type = "FloatStorage"): Uint8Array =>
  checkpoint(orderedDict([["w", value.length > 0 ? value : tensor(storage(type, "0", count), [2, 3])]]), { 0: bytes(count * 4) });
const held = (shape: readonly number[], offset?: number, strides?: readonly number[]): Uint8Array =>
  one(tensor(storage("FloatStorage", "0", 6), shape, offset, strides));
const array = (header: string, data: Uint8Array = bytes(0), version: 1 | 2 = 1): Packed => ({
  name: "w.npy",
  bytes: npy(header, data, version),
});
const header = (descr: string, shape: string): string => `{'descr': ${descr}, 'fortran_order': False, 'shape': ${shape}, }`;
const npz = (...arrays: readonly Packed[]): Uint8Array => zip(arrays);
const patched = (file: Uint8Array, at: number, ...values: readonly number[]): Uint8Array => {
  const copy = new Uint8Array(file);
  copy.set(values, at < 0 ? copy.length + at : at);
  return copy;
};
/** A tensor under a name and size, as often as asked, on one empty storage. */
const many = (count: number): Uint8Array =>
  checkpoint(orderedDict(Array.from({ length: count }, (_, i) => [`w${i}`, tensor(storage("FloatStorage", "0", 0), [0])])), {
    0: bytes(0),
  });

/** Numbers are those of the list of hostile inputs that every reader of weights has to stand. */
const refused: readonly (readonly [what: string, file: Uint8Array, message: RegExp])[] = [
  ["1 an empty file", bytes(0), /^f: an empty file/],
  ["1 an empty archive", zip([]), /^f: an empty zip archive/],
  ["1 a checkpoint without tensors", checkpoint(orderedDict([]), {}), /^f: a dictionary without tensors/],
  ["1 an empty array file", npz({ name: "w.npy", bytes: bytes(0) }), /^f: "w.npy": does not begin as a NumPy array/],
  ["2 a directory of 2^64 - 1 bytes", wideDirectory(0xffffffffffffffffn), /a size or place of more than 2\^53/],
  ["2 a directory beyond the file", wideDirectory(1_000_000n), /directory ends at byte \d+ of \d+ \(truncated\?\)/],
  [
    "2 an array header of 2^32 - 1 bytes",
    npz({ name: "w.npy", bytes: patched(npy("{}", bytes(0), 2), 8, 255, 255, 255, 255) }),
    /header of 4294967295 bytes/,
  ],
  ["3 a pickle of more than 32 MB", checkpointOf(bytes((1 << 25) + 1)), /a pickle of 33554433 bytes, at most 33554432/],
  ["3 an array header of more than 10,000 bytes", npz(array(" ".repeat(10_001))), /header of 10001 bytes, at most 10000/],
  ["3 a pickle of more than 4 million steps", checkpointOf(Buffer.alloc(4_000_001, "N")), /more than 4000000 steps/],
  ["4 invalid UTF-8 in a pickle", one([0x58, 1, 0, 0, 0, 0xff]), /a text that is not valid UTF-8/],
  ["4 invalid UTF-8 in an archive's directory", patched(one([]), 30, 0xff), /not valid UTF-8/],
  ["5 a checkpoint that is no dictionary", checkpoint(int(1), {}), /^f: no dictionary/],
  [
    "5 a checkpoint that is a tensor",
    checkpoint(tensor(storage("FloatStorage", "0", 1), [1]), { 0: bytes(4) }),
    /^f: one tensor; it needs a dictionary/,
  ],
  ["5 an array's header that is no dictionary", npz(array("[]")), /header "\[\]", needs descr/],
  [
    "6 a key given twice",
    checkpoint(
      orderedDict([
        ["w", int(1)],
        ["w", int(2)],
      ]),
      {},
    ),
    /the key "w" is given twice/,
  ],
  ["6 an archive's name given twice", npz(array(header("'<f4'", "(0,)")), array(header("'<f4'", "(0,)"))), /holds "w.npy" twice/],
  ["6 an array's member given twice", npz(array("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': ()}")), /each once/],
  [
    "7 files of an archive that overlap",
    zip([
      { name: "a.npy", bytes: bytes(4) },
      { name: "a.npyb", bytes: bytes(4), at: 0, ownName: "a.npyb" },
    ]),
    /called "a.npy" where its bytes are/,
  ],
  ["7 a file inside another one", inside(), /"b" in the archive overlaps the file before it/],
  ["8 bytes after an array's elements", npz(array(header("'<f4'", "(1,)"), bytes(5))), /5 bytes, but shape \[1\] of F32 needs 4/],
  [
    "8 a storage larger than announced",
    checkpoint(orderedDict([["w", tensor(storage("FloatStorage", "0", 1), [1])]]), { 0: bytes(8) }),
    /tensor "w": its storage has 8 bytes, 1 elements of F32/,
  ],
  ["9 a negative offset", held([2], -1), /whole numbers of 0 or more/],
  ["9 an offset behind the end", held([2], 5), /shape \[2\], strides \[1\] and offset 5 leaves its storage of 6 elements/],
  ["9 strides that leave the storage", held([2, 2], 0, [5, 1]), /leaves its storage of 6/],
  ["10 a shape product over 2^53", held([0x7fffffff, 0x7fffffff, 0]), /has more than 2\^53 elements/],
  ["10 an array's shape product over 2^53", npz(array(header("'<f4'", "(4294967296, 4294967296, 0)"))), /needs more than 2\^53 bytes/],
  ["11 a negative extent", held([-1]), /whole numbers of 0 or more/],
  [
    "11 a fractional extent",
    one(
      call(
        global("torch._utils", "_rebuild_tensor_v2"),
        storage("FloatStorage", "0", 6),
        int(0),
        tuple([0x47, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0]),
        tuple(int(1)),
      ),
    ),
    /whole numbers of 0 or more/,
  ],
  ["11 an array's negative extent", npz(array(header("'<f4'", "(-1,)"))), /needs descr, fortran_order and shape/],
  ["11 a tensor of 17 axes", held(Array(17).fill(1)), /at most 16 axes/],
  ["11 an array of 17 axes", npz(array(header("'<f4'", `(${"1, ".repeat(17)})`), bytes(4))), /17 axes, at most 16/],
  ["12 an unknown storage", one([], 6, "QInt8Storage"), /refers to "torch.QInt8Storage", which is not on the list/],
  ["12 an array of an unknown type", npz(array(header("'<c8'", "(1,)"), bytes(8))), /type "<c8", known are f2, f4/],
  ["12 an array in big-endian order", npz(array(header("'>f4'", "(1,)"), bytes(4))), /big-endian order; save it as array.astype\("<f4"\)/],
  ["12 a table of fields", npz(array(header("[('a', '<f4')]", "(1,)"), bytes(4))), /a table of several fields/],
  ["13 more than 50,000 tensors without elements", many(50_001), /50001 tensors, at most 50000/],
  [
    "16 a checkpoint without its storage",
    checkpoint(orderedDict([["w", tensor(storage("FloatStorage", "7", 1), [1])]]), {}),
    /the archive lacks its storage "7"/,
  ],
  ["37 pickled objects in an array", npz(array(header("'|O'", "(1,)"), bytes(8))), /"w.npy": pickled Python objects, which could run code/],
  [
    "37 a pickle among the arrays",
    npz(array(header("'<f4'", "()"), bytes(4)), { name: "evil.pkl", bytes: bytes(4) }),
    /"evil.pkl": no NumPy array/,
  ],
  [
    "code in a pickle",
    one(call(global("os", "system"), text("true"))),
    /refers to "os.system", which is not on the list of what weights need; save its weights alone/,
  ],
  ["code under a name that is allowed", one(call(storage("FloatStorage", "0", 6), int(0))), /it calls what cannot be called/],
  ["a storage that is called", one(call(global("torch", "FloatStorage"), int(9))), /it calls torch.FloatStorage/],
  ["an object that is built", one([...global("collections", "OrderedDict"), 0x29, 0x81]), /opcode 0x81, which weights do not need/],
  ["a stack that is empty", checkpointOf(Uint8Array.of(0x80, 2, 0x85, 0x2e)), /it needs a value and there is none/],
  ["a mark that is missing", checkpointOf(Uint8Array.of(0x80, 2, 0x74, 0x2e)), /it needs a mark and there is none/],
  ["a memory that is empty", one([0x68, 9]), /it recalls 9, which it has not remembered/],
  ["a pickle without end", checkpointOf(Uint8Array.of(0x80, 2, 0x4e)), /needs 1 more bytes of 0 \(truncated\?\)/],
  ["a tensor that repeats its storage", held([5, 6], 0, [0, 1]), /repeats its storage of 6 elements; save it as tensor.contiguous\(\)/],
  ["a storage that is shared without end", sharing(30_000), /the tensors come to more than \d+ bytes, since they share storages/],
  [
    "a zip bomb that says so",
    zip([{ name: "w.npy", bytes: bytes(1 << 25), isDeflated: true }]),
    /bytes that expand to 33554432, at most 16777216/,
  ],
  [
    "a zip bomb that does not",
    zip([{ name: "w.npy", bytes: bytes(1 << 25), isDeflated: true, size: 100 }]),
    /expands to more than the 100 bytes announced/,
  ],
  [
    "a file that expands to less",
    zip([{ name: "w.npy", bytes: bytes(10), isDeflated: true, size: 100 }]),
    /expands to 10 bytes, 100 announced/,
  ],
  ["deflate data that are none", zip([{ name: "w.npy", bytes: Uint8Array.of(7, 255, 255), method: 8, size: 3 }]), /not valid deflate data/],
  ["an unknown compression", zip([{ name: "w.npy", bytes: bytes(3), method: 12 }]), /compression method 12/],
  ["an encrypted archive", zip([{ name: "w.npy", bytes: bytes(3), flags: 1 }]), /encrypted/],
  ["a flipped bit", zip([{ ...array(header("'<f4'", "(1,)"), bytes(4)), crc: 1 }]), /damaged: its CRC-32 is [0-9a-f]+, the archive says 1/],
  [
    "an archive of something else",
    zip([{ name: "word/document.xml", bytes: bytes(1) }]),
    /a zip archive of no known kind: it holds "word\/document.xml"/,
  ],
  [
    "a TorchScript program",
    checkpoint(orderedDict([]), {}, [{ name: "archive/constants.pkl", bytes: bytes(1) }]),
    /a TorchScript program; save its weights/,
  ],
  [
    "a checkpoint in big-endian order",
    checkpoint(orderedDict([]), {}, [{ name: "archive/byteorder", bytes: Buffer.from("big") }]),
    /big-endian order/,
  ],
  [
    "PyTorch's old format",
    Uint8Array.of(0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e),
    /old format, before 1.6; save it again with a newer PyTorch/,
  ],
  ["a bare pickle", Uint8Array.of(0x80, 4, 0x4e, 0x2e), /a bare Python pickle/],
  ["one array", npy(header("'<f4'", "()"), bytes(4)), /a single NumPy array; weights have names/],
  ["a text", Buffer.from("hello, weights"), /no file of weights \(by its contents\)/],
  [
    "several dictionaries of tensors",
    checkpoint(
      dict([
        ["a", orderedDict([["w", held1()]])],
        ["b", orderedDict([["w", held1()]])],
      ]),
      { 0: bytes(4) },
    ),
    /several dictionaries hold tensors \("a", "b"\)/,
  ],
];

function held1(): number[] {
  return tensor(storage("FloatStorage", "0", 1), [1]);
}

function checkpointOf(pickled: Uint8Array): Uint8Array {
  return zip([{ name: "archive/data.pkl", bytes: pickled }]);
}

/** An archive whose directory's size stands in a 64-bit record. */
function wideDirectory(size: bigint): Uint8Array {
  const file = one([]);
  const end = file.length - 22;
  const record = Buffer.alloc(56 + 20);
  record.writeUInt32LE(0x06064b50, 0);
  record.writeBigUInt64LE(4n, 32);
  record.writeBigUInt64LE(size, 40);
  record.writeUInt32LE(0x07064b50, 56);
  record.writeBigUInt64LE(BigInt(end), 64);
  return new Uint8Array(Buffer.concat([file.subarray(0, end), record, file.subarray(end)]));
}

/** An archive with a file "b" whose head lies in the bytes of "a.npy". */
function inside(): Uint8Array {
  const inner = zip([{ name: "b", bytes: bytes(4) }]).subarray(0, 35);
  return zip([
    { name: "a.npy", bytes: inner },
    { name: "b", bytes: bytes(4), at: 35 },
  ]);
}

/** So many tensors on one storage of 100 elements. */
function sharing(tensors: number): Uint8Array {
  const value = tensor(storage("FloatStorage", "0", 100), [100]);
  const entries = Array.from({ length: tensors }, (_, i) => [`w${i}`, i === 0 ? [...value, 0x71, 9] : [0x68, 9]] as const);
  return checkpoint(orderedDict(entries), { 0: bytes(400) });
}

for (const [what, file, message] of refused) {
  test(`refused: ${what}`, async () => {
    await assert.rejects(readWeightFile(file, "f"), (error: Error) => {
      assert(error instanceof FormatError, String(error.stack));
      assert.match(error.message, message);
      assert(error.message.length < 1000, "the message is bounded");
      return true;
    });
  });
}
