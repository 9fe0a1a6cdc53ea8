/** The messages of onnx.proto3 (IR version 8) that a float graph needs, by their field numbers. */
import type { Shape } from "../../core/shape.ts";
import { bytes, type Field, float, integer, message, nested, text } from "./protobuf.ts";

/** An attribute's value: text is a string, a list integers, a number an integer unless wrapped as a float. */
export type Attribute = number | string | readonly number[] | { readonly float: number };

/** Elements of an initializer. */
export type Elements = Float32Array | BigInt64Array;

/** An operator of the default domain applied once. */
export interface OnnxNode {
  readonly type: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** A named tensor of a graph: an input or an output. */
export interface OnnxValue {
  readonly name: string;
  readonly shape: Shape;
}

/** A whole model. */
export interface OnnxModel {
  readonly producer: string;
  readonly opset: number;
  readonly graphName: string;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly { readonly name: string; readonly shape: Shape; readonly data: Elements }[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly metadata: Readonly<Record<string, string>>;
}

const FLOAT = 1;
const INT64 = 7;
const kinds = { float: 1, integer: 2, string: 3, integers: 7 } as const;

function attribute(name: string, value: Attribute): readonly Field[] {
  const labelled = (kind: number, ...content: Field[]): readonly Field[] => [text(1, name), ...content, integer(20, kind)];
  if (typeof value === "number") return labelled(kinds.integer, integer(3, value));
  if (typeof value === "string") return labelled(kinds.string, text(4, value));
  if ("float" in value) return labelled(kinds.float, float(2, value.float));
  return labelled(kinds.integers, ...value.map((each) => integer(8, each)));
}

function node({ type, name, inputs, outputs, attributes }: OnnxNode): readonly Field[] {
  return [
    ...inputs.map((input) => text(1, input)),
    ...outputs.map((output) => text(2, output)),
    text(3, name),
    text(4, type),
    ...Object.entries(attributes).map(([key, value]) => nested(5, attribute(key, value))),
  ];
}

function initializer({ name, shape, data }: OnnxModel["initializers"][number]): readonly Field[] {
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const type = data instanceof Float32Array ? FLOAT : INT64;
  return [...shape.map((extent) => integer(1, extent)), integer(2, type), text(8, name), bytes(9, raw)];
}

function value({ name, shape }: OnnxValue): readonly Field[] {
  const dimensions = shape.map((extent) => nested(1, [integer(1, extent)]));
  return [text(1, name), nested(2, [nested(1, [integer(1, FLOAT), nested(2, dimensions)])])];
}

/** A model's bytes. */
export function encodeOnnx(model: OnnxModel): Uint8Array {
  const graph = [
    ...model.nodes.map((each) => nested(1, node(each))),
    text(2, model.graphName),
    ...model.initializers.map((each) => nested(5, initializer(each))),
    ...model.inputs.map((each) => nested(11, value(each))),
    ...model.outputs.map((each) => nested(12, value(each))),
  ];
  return message([
    integer(1, 8),
    text(2, model.producer),
    nested(7, graph),
    nested(8, [text(1, ""), integer(2, model.opset)]),
    ...Object.entries(model.metadata).map(([key, content]) => nested(14, [text(1, key), text(2, content)])),
  ]);
}
