/** Files that were made to do harm are refused, with a FormatError that says where, in bounded time and memory. */
import assert from "node:assert/strict";
import { link, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { FormatError } from "../../core/errors.ts";
import { readOnnxFile } from "./onnxFile.node.ts";
import { fileOf, messageOf, numbers, type TestFile, type TestNode, tensorOf, whole } from "./read/files.testing.ts";
import { readOnnx } from "./read/index.ts";
import { encodeModelProto, type ModelProto, type Written } from "./schema.ts";

/** What refusing one of these may take at most: far more than it does, far less than what they ask for. */
const MOST_MILLISECONDS = 5000;
const MOST_BYTES = 256 * 2 ** 20;

function assertRefused(read: () => unknown, reason: RegExp): void {
  const [start, held] = [performance.now(), process.memoryUsage()];
  assert.throws(read, (error: unknown) => {
    assert.ok(error instanceof FormatError, `${error}`);
    assert.match(error.message, reason);
    return true;
  });
  const now = process.memoryUsage();
  assert.ok(now.heapUsed + now.arrayBuffers - held.heapUsed - held.arrayBuffers < MOST_BYTES, "memory");
  assert.ok(performance.now() - start < MOST_MILLISECONDS, "time");
}

const relu: readonly TestNode[] = [{ type: "Relu", inputs: ["x"] }];
const conv = (attributes: TestNode["attributes"]): TestFile => ({
  nodes: [{ type: "Conv", inputs: ["x", "w"], attributes }],
  constants: { w: numbers("w", 8, 2, 3, 3) },
});

function withGraph(change: (graph: NonNullable<Written<ModelProto>["graph"]>) => object, file: TestFile = { nodes: relu }): Uint8Array {
  const message = messageOf(file);
  return encodeModelProto({ ...message, graph: { ...message.graph, ...change(message.graph ?? {}) } });
}

/** A field of bytes: number, wire type 2, length, content. */
function field(number: number, content: Uint8Array): Uint8Array {
  const length: number[] = [];
  for (let rest = content.length; ; rest = Math.floor(rest / 128)) {
    length.push(rest > 127 ? (rest & 127) | 128 : rest);
    if (rest < 128) break;
  }
  return Uint8Array.from([(number << 3) | 2, ...length, ...content]);
}

test("22: a number of eleven bytes", () => {
  const file = Uint8Array.from([8, ...Array(10).fill(0xff), 1]);
  assertRefused(() => readOnnx(file, { where: "far.onnx" }), /^far\.onnx: not an ONNX model .*varint/);
});

test("22: a length beyond the file's end", () => {
  assertRefused(() => readOnnx(Uint8Array.of(58, 0xff, 0xff, 0xff, 0xff, 7, 1)), /not an ONNX model/);
});

test("23: groups within groups, ten thousand deep", () => {
  const depth = 10_000;
  assertRefused(
    () =>
      readOnnx(
        Uint8Array.from([
          ...Array(depth)
            .fill((30 << 3) | (3 & 7))
            .flatMap((tag: number) => [(tag & 127) | 128, tag >> 7]),
        ]),
      ),
    /not an ONNX model/,
  );
});

test("23: graphs within graphs: an attribute that holds a graph is skipped unread, and its operator refused", () => {
  let graph = new Uint8Array(0);
  for (let depth = 0; depth < 500; depth++) graph = Uint8Array.from(field(6, field(1, field(5, graph))));
  const attribute = Uint8Array.from([...field(1, new TextEncoder().encode("body")), 0xa0, 1, 5, ...graph]);
  const node = Uint8Array.from([
    ...field(2, new TextEncoder().encode("y")),
    ...field(4, new TextEncoder().encode("Loop")),
    ...field(5, attribute),
  ]);
  const opset = field(8, Uint8Array.of(16, 17));
  const file = Uint8Array.from([
    8,
    8,
    ...field(7, Uint8Array.from([...field(1, node), ...field(12, field(1, new TextEncoder().encode("y")))])),
    ...opset,
  ]);
  assertRefused(() => readOnnx(file), /Loop: attribute "body" of kind 5 {2}at "node 0"/);
});

test("a million empty messages", () => {
  const empty = Uint8Array.from({ length: 2_400_000 }, (_, i) => (i % 2 === 0 ? 10 : 0));
  assertRefused(() => readOnnx(field(7, empty)), /more than 1000000 messages/);
});

test("24: a cycle", () => {
  const nodes: readonly TestNode[] = [
    { type: "Add", inputs: ["x", "b"], outputs: ["a"] },
    { type: "Relu", inputs: ["a"], outputs: ["b"] },
    { type: "Relu", inputs: ["b"] },
  ];
  assertRefused(() => readOnnx(fileOf({ nodes })), /Add at "Add\.0" reads "b" before anything computes it/);
});

test("24: a name that is given twice", () => {
  assertRefused(() => readOnnx(fileOf({ nodes: [...relu, ...relu] })), /"y" is computed twice/);
  const constants = { w: numbers("w", 2) };
  const twice = withGraph(({ initializer = [] }) => ({ initializer: [...initializer, ...initializer] }), { nodes: relu, constants });
  assertRefused(() => readOnnx(twice), /two tensors named "w"/);
});

test("25: bytes that are not what the shape takes", () => {
  const short = withGraph(() => ({ initializer: [tensorOf("w", [8, 2, 3, 3], new Float32Array(143))] }), conv({ group: 2 }));
  assertRefused(() => readOnnx(short), /tensor "w": 572 bytes for \[8, 2, 3, 3\] of float, which takes 576/);
  const huge = withGraph(() => ({ initializer: [tensorOf("w", [2 ** 31, 2 ** 31], new Float32Array(1))] }), conv({}));
  assertRefused(() => readOnnx(huge), /tensor "w": a shape of \[2147483648, 2147483648\]/);
  const negative = withGraph(() => ({ initializer: [{ name: "w", dims: [-1n], dataType: 1, rawData: new Uint8Array(4) }] }), conv({}));
  assertRefused(() => readOnnx(negative), /a shape of \[-1\]/);
  const listed = withGraph(() => ({ initializer: [{ name: "w", dims: [3n], dataType: 1, floatData: [1, 2] }] }), conv({}));
  assertRefused(() => readOnnx(listed), /2 elements, its shape needs 3/);
});

test("26: a stride of 0, groups that do not divide, windows larger than the image, pads below 0", () => {
  for (const [attributes, reason] of [
    [{ strides: [0, 1], group: 2 }, /strides \[0,1\]/],
    [{ group: 3 }, /groups \(3\) must divide/],
    [{ group: 2, pads: [-1, 0, 0, 0] }, /padding/],
    [{ group: 2, kernel_shape: [5, 5] }, /kernel_shape \[5, 5\] for a weight/],
    [{ group: 2, strides: [1] }, /attribute "strides" is \[1\], needed 2 finite numbers/],
    [{ group: 2, dilations: [1_000_000, 1_000_000] }, /computed elements/],
    [{ group: 2, dilations: [9, 9] }, /smaller than the kernel/],
  ] as const)
    assertRefused(() => readOnnx(fileOf(conv(attributes))), reason);
});

test("27: unknown operators, attributes and operator sets, all named at once with their places", () => {
  const nodes: readonly TestNode[] = [
    { type: "Einsum", inputs: ["x"], outputs: ["a"] },
    { type: "Relu", inputs: ["a"], outputs: ["b"] },
    { type: "FusedConv", inputs: ["b"], outputs: ["c"], domain: "com.microsoft" },
    { type: "MaxPool", inputs: ["x"], outputs: ["d"], attributes: { kernel_shape: [2, 2], fancy: 3 } },
    { type: "Add", inputs: ["c", "d"] },
  ];
  const lines = [
    /needs what Goldcrest does not read:/,
    /operator Einsum {2}at "Einsum\.0"/,
    /operator com\.microsoft\.FusedConv {2}at "FusedConv\.2"/,
    /MaxPool: attribute fancy {2}at "MaxPool\.3"/,
  ];
  for (const line of lines) assertRefused(() => readOnnx(fileOf({ nodes })), line);
  assertRefused(() => readOnnx(fileOf({ nodes: relu, opset: 6 })), /operator set 6; operator sets 7 to 25 are read/);
  assertRefused(() => readOnnx(fileOf({ nodes: relu, opset: 99 })), /operator set 99/);
});

test("an operator whose name is that of a property of every object is an unknown operator", () => {
  for (const type of ["constructor", "__proto__", "toString"])
    assertRefused(() => readOnnx(fileOf({ nodes: [{ type, inputs: ["x"] }] })), /operator /);
});

test("constants that double at every step, and shapes that ask for more than there is", () => {
  const doubling = Array.from(
    { length: 60 },
    (_, i): TestNode => ({ type: "Concat", inputs: [`c${i}`, `c${i}`], outputs: [`c${i + 1}`], attributes: { axis: 0 } }),
  );
  const nodes: readonly TestNode[] = [...doubling, { type: "Reshape", inputs: ["x", "c60"] }];
  assertRefused(() => readOnnx(fileOf({ nodes, constants: { c0: whole(1, 2, 3) } })), /constants of more than/);
  const filled: readonly TestNode[] = [
    { type: "ConstantOfShape", inputs: ["s"], outputs: ["c"] },
    { type: "Reshape", inputs: ["x", "c"] },
  ];
  assertRefused(() => readOnnx(fileOf({ nodes: filled, constants: { s: whole(2 ** 40, 2 ** 12) } })), /constants of more than/);
  const growing = Array.from(
    { length: 60 },
    (_, i): TestNode => ({ type: "Concat", inputs: [`v${i}`, `v${i}`], outputs: [`v${i + 1}`], attributes: { axis: 1 } }),
  );
  assertRefused(
    () => readOnnx(fileOf({ nodes: growing, inputs: { v0: [1, 4, 4, 4] }, outputs: ["v60"] })),
    /more than 2147483648 elements/,
  );
});

let folder = "";
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "goldcrest-onnx-"));
  await mkdir(join(folder, "model", "inside"), { recursive: true });
  const bytes = new Uint8Array(numbers("w", 8, 2, 3, 3).data.buffer);
  for (const name of ["outside.bin", "model/w.bin", "model/inside/w.bin", "model/other.bin"]) await writeFile(join(folder, name), bytes);
  await symlink(join(folder, "outside.bin"), join(folder, "model", "soft.bin"));
  await symlink(join(folder), join(folder, "model", "up"));
  await link(join(folder, "outside.bin"), join(folder, "model", "hard.bin"));
  await mkdir(join(folder, "model", "folder.bin"));
});
after(() => rm(folder, { recursive: true, force: true }));

/** A file whose weight lies elsewhere, as its entries say. */
async function external(entries: Readonly<Record<string, string>>): Promise<string> {
  const externalData = Object.entries(entries).map(([key, value]) => ({ key: key.replace(/ $/, ""), value }));
  const tensor = { name: "w", dims: [8n, 2n, 3n, 3n], dataType: 1, dataLocation: 1, externalData };
  const path = join(folder, "model", "m.onnx");
  await writeFile(
    path,
    withGraph(() => ({ initializer: [tensor] }), conv({ group: 2 })),
  );
  return path;
}

test("tensors are read from other files of the model's folder", async () => {
  for (const location of ["w.bin", "inside/w.bin"]) {
    const { weights } = await readOnnxFile(await external({ location, offset: "0", length: "576", checksum: "unread" }));
    assert.deepEqual(weights.get("w")?.data, numbers("w", 8, 2, 3, 3).data);
  }
});

test("bytes alone cannot say what lies in another file", async () => {
  const { readFile } = await import("node:fs/promises");
  const file = await readFile(await external({ location: "w.bin" }));
  assertRefused(() => readOnnx(file), /tensor "w" lies in another file/);
});

const outside: readonly (readonly [what: string, entries: Readonly<Record<string, string>>, reason: RegExp])[] = [
  ["17: a path out of the folder", { location: "../outside.bin" }, /location is "\.\.\/outside\.bin", needed a path inside/],
  ["17: a path out of the folder, through one inside it", { location: "inside/../../outside.bin" }, /needed a path inside/],
  ["17: an absolute path", { location: "/etc/passwd" }, /needed a path inside/],
  ["17: a path with another machine's separator", { location: "..\\outside.bin" }, /needed a path inside/],
  ["17: no path", {}, /location is ""/],
  ["18: a symbolic link", { location: "soft.bin" }, /is a link, or leads through one/],
  ["18: a folder that is a symbolic link", { location: "up/outside.bin" }, /is a link, or leads through one/],
  ["19: a hard link", { location: "hard.bin" }, /has a second name \(a hard link\)/],
  [
    "20: offset and length beyond the file",
    { location: "w.bin", offset: "4", length: "576" },
    /has 576 bytes; the tensor would begin at 4 and take 576/,
  ],
  [
    "20: an offset that would wrap",
    { location: "w.bin", offset: "18446744073709551612", length: "576" },
    /offset is "18446744073709551612"/,
  ],
  ["20: a length below 0", { location: "w.bin", length: "-1" }, /length is "-1"/],
  ["20: an offset beyond the end", { location: "w.bin", offset: "1000" }, /the tensor would begin at 1000/],
  ["20: fewer bytes than the shape takes", { location: "w.bin", length: "572" }, /572 bytes for \[8, 2, 3, 3\]/],
  ["21: an unknown key", { location: "w.bin", mode: "rw" }, /the key "mode" is unknown or given twice/],
  ["21: a key given twice", { location: "w.bin", "location ": "other.bin" }, /the key "location" is unknown or given twice/],
  ["a folder", { location: "folder.bin" }, /is no file|EISDIR/],
  ["a file that is not there", { location: "none.bin" }, /"none\.bin" cannot be read \(ENOENT\)/],
];

for (const [what, entries, reason] of outside) {
  test(what, async () => {
    const path = await external(entries);
    await assert.rejects(readOnnxFile(path), (error: unknown) => {
      assert.ok(error instanceof FormatError, `${error}`);
      assert.match(error.message, reason);
      return true;
    });
  });
}
