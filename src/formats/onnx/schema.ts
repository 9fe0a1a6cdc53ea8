/**
 * The part of onnx.proto3 that a network needs, described here in code: no generated file, no compiler. What is left out (sub-graphs of
 * control flow, sparse tensors, training) is skipped by the reader; so no message contains itself, and nesting is bounded by the description.
 */
import { create, createFileRegistry, type DescMessage, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { BinaryReader, type WireType } from "@bufbuild/protobuf/wire";
import { FieldDescriptorProto_Label, FieldDescriptorProto_Type, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { FormatError } from "../../core/errors.ts";

/** A tensor's elements: in `rawData` (little-endian), in the list of its type, or in another file. */
export interface TensorProto {
  readonly name: string;
  readonly dims: readonly bigint[];
  readonly dataType: number;
  readonly rawData: Uint8Array;
  readonly floatData: readonly number[];
  readonly int32Data: readonly number[];
  readonly int64Data: readonly bigint[];
  readonly doubleData: readonly number[];
  readonly stringData: readonly Uint8Array[];
  readonly externalData: readonly EntryProto[];
  /** 1: the elements are in another file. */
  readonly dataLocation: number;
}

/** A key and a text. */
export interface EntryProto {
  readonly key: string;
  readonly value: string;
}

/** An attribute of a node; `type` says which field holds it. */
export interface AttributeProto {
  readonly name: string;
  readonly type: number;
  readonly f: number;
  readonly i: bigint;
  readonly s: Uint8Array;
  readonly t?: TensorProto;
  readonly floats: readonly number[];
  readonly ints: readonly bigint[];
}

/** An operator applied once. */
export interface NodeProto {
  readonly name: string;
  readonly opType: string;
  readonly domain: string;
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly attribute: readonly AttributeProto[];
}

/** A named value of a graph; a dimension is a number or a name. */
export interface ValueInfoProto {
  readonly name: string;
  readonly type?: {
    readonly tensorType?: {
      readonly elemType: number;
      readonly shape?: { readonly dim: readonly { readonly dimValue?: bigint; readonly dimParam?: string }[] };
    };
  };
}

/** Nodes in order, stored tensors, inputs and outputs. */
export interface GraphProto {
  readonly name: string;
  readonly node: readonly NodeProto[];
  readonly initializer: readonly TensorProto[];
  readonly input: readonly ValueInfoProto[];
  readonly output: readonly ValueInfoProto[];
}

/** A whole file. */
export interface ModelProto {
  readonly irVersion: bigint;
  readonly producerName: string;
  readonly graph?: GraphProto;
  readonly opsetImport: readonly { readonly domain: string; readonly version: bigint }[];
  readonly metadataProps: readonly EntryProto[];
}

/** What may be left out of a message that is written. */
export type Written<T> = T extends Uint8Array | bigint
  ? T
  : T extends readonly (infer E)[]
    ? readonly Written<E>[]
    : T extends object
      ? { readonly [K in keyof T]?: Written<T[K]> }
      : T;

type FieldRow = readonly [name: string, number: number, type: string];

/** Names, numbers and types (with * where repeated) as onnx.proto3 gives them. */
const messages: Readonly<Record<string, readonly FieldRow[]>> = {
  EntryProto: [
    ["key", 1, "string"],
    ["value", 2, "string"],
  ],
  TensorProto: [
    ["dims", 1, "int64*"],
    ["data_type", 2, "int32"],
    ["float_data", 4, "float*"],
    ["int32_data", 5, "int32*"],
    ["string_data", 6, "bytes*"],
    ["int64_data", 7, "int64*"],
    ["name", 8, "string"],
    ["raw_data", 9, "bytes"],
    ["double_data", 10, "double*"],
    ["external_data", 13, "EntryProto*"],
    ["data_location", 14, "int32"],
  ],
  AttributeProto: [
    ["name", 1, "string"],
    ["f", 2, "float"],
    ["i", 3, "int64"],
    ["s", 4, "bytes"],
    ["t", 5, "TensorProto"],
    ["floats", 7, "float*"],
    ["ints", 8, "int64*"],
    ["type", 20, "int32"],
  ],
  NodeProto: [
    ["input", 1, "string*"],
    ["output", 2, "string*"],
    ["name", 3, "string"],
    ["op_type", 4, "string"],
    ["attribute", 5, "AttributeProto*"],
    ["domain", 7, "string"],
  ],
  DimensionProto: [
    ["dim_value", 1, "int64?"],
    ["dim_param", 2, "string?"],
  ],
  ShapeProto: [["dim", 1, "DimensionProto*"]],
  TensorTypeProto: [
    ["elem_type", 1, "int32"],
    ["shape", 2, "ShapeProto"],
  ],
  TypeProto: [["tensor_type", 1, "TensorTypeProto"]],
  ValueInfoProto: [
    ["name", 1, "string"],
    ["type", 2, "TypeProto"],
  ],
  GraphProto: [
    ["node", 1, "NodeProto*"],
    ["name", 2, "string"],
    ["initializer", 5, "TensorProto*"],
    ["input", 11, "ValueInfoProto*"],
    ["output", 12, "ValueInfoProto*"],
  ],
  OperatorSetProto: [
    ["domain", 1, "string"],
    ["version", 2, "int64"],
  ],
  ModelProto: [
    ["ir_version", 1, "int64"],
    ["producer_name", 2, "string"],
    ["graph", 7, "GraphProto"],
    ["opset_import", 8, "OperatorSetProto*"],
    ["metadata_props", 14, "EntryProto*"],
  ],
};

const scalars: Readonly<Record<string, FieldDescriptorProto_Type>> = {
  string: FieldDescriptorProto_Type.STRING,
  bytes: FieldDescriptorProto_Type.BYTES,
  float: FieldDescriptorProto_Type.FLOAT,
  double: FieldDescriptorProto_Type.DOUBLE,
  int32: FieldDescriptorProto_Type.INT32,
  int64: FieldDescriptorProto_Type.INT64,
};

function describe(): DescMessage {
  const file = create(FileDescriptorProtoSchema, {
    name: "onnx.proto",
    package: "onnx",
    syntax: "proto3",
    messageType: Object.entries(messages).map(([name, fields]) => {
      const optional = fields.filter(([, , type]) => type.endsWith("?"));
      return {
        name,
        field: fields.map(([name, number, written]) => {
          const type = written.replace(/[*?]$/, "");
          const label = written.endsWith("*") ? FieldDescriptorProto_Label.REPEATED : FieldDescriptorProto_Label.OPTIONAL;
          const presence = written.endsWith("?") ? { proto3Optional: true, oneofIndex: optional.findIndex(([held]) => held === name) } : {};
          const kind = scalars[type] ? { type: scalars[type] } : { type: FieldDescriptorProto_Type.MESSAGE, typeName: `.onnx.${type}` };
          return { name, number, label, ...kind, ...presence };
        }),
        oneofDecl: optional.map(([name]) => ({ name: `_${name}` })),
      };
    }),
  });
  return createFileRegistry(file, () => undefined).getMessage("onnx.ModelProto") as DescMessage;
}

let described: DescMessage | undefined;

function model(): DescMessage {
  described ??= describe();
  return described;
}

/** Messages that one file may hold: each takes memory that its bytes do not foretell. */
const MOST_MESSAGES = 1_000_000;

/** Refuses a file of more messages than any network needs, before one of them is made. */
function countMessages(desc: DescMessage, reader: BinaryReader, end: number, limit: { left: number }): void {
  while (reader.pos < end) {
    const [number, wire] = reader.tag();
    const field = desc.fields.find((each) => each.number === number);
    if (field?.message === undefined || wire !== 2) {
      reader.skip(wire as WireType, number);
      continue;
    }
    if (--limit.left < 0) throw new FormatError(`more than ${MOST_MESSAGES} messages`);
    const length = reader.uint32();
    countMessages(field.message, reader, reader.pos + length, limit);
  }
}

/** Reads a model's bytes; throws FormatError where they are none. Elements of tensors are views of the bytes. */
export function decodeModelProto(file: Uint8Array, where: string): ModelProto {
  try {
    countMessages(model(), new BinaryReader(file), file.length, { left: MOST_MESSAGES });
    return fromBinary(model(), file, { readUnknownFields: false }) as unknown as ModelProto;
  } catch (cause) {
    throw new FormatError(`${where}: not an ONNX model that can be read: ${(cause as Error).message}`, { cause });
  }
}

/** A model's bytes. */
export function encodeModelProto(written: Written<ModelProto>): Uint8Array {
  return toBinary(model(), create(model(), written as unknown as Message));
}
