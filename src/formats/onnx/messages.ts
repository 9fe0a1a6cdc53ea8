/** What a graph is written as, and the ONNX messages (IR version 8) that say it. */
import type { Shape } from "../../core/shape.ts";
import type { ElementArray } from "./elements.ts";
import { typeOf } from "./elements.ts";
import { type AttributeProto, encodeModelProto, type NodeProto, type TensorProto, type ValueInfoProto, type Written } from "./schema.ts";

/** An attribute's value: text is a string, a list integers, a number an integer unless wrapped as a float. */
export type Attribute = number | string | readonly number[] | { readonly float: number };

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
  readonly initializers: readonly { readonly name: string; readonly shape: Shape; readonly data: ElementArray }[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly metadata: Readonly<Record<string, string>>;
}

const kinds = { float: 1, integer: 2, text: 3, integers: 7 } as const;
const FLOAT = 1;
const utf8 = new TextEncoder();

function attribute(name: string, value: Attribute): Written<AttributeProto> {
  if (typeof value === "number") return { name, type: kinds.integer, i: BigInt(value) };
  if (typeof value === "string") return { name, type: kinds.text, s: utf8.encode(value) };
  if ("float" in value) return { name, type: kinds.float, f: value.float };
  return { name, type: kinds.integers, ints: value.map(BigInt) };
}

function node({ type, name, inputs, outputs, attributes }: OnnxNode): Written<NodeProto> {
  const attributesOf = Object.entries(attributes).map(([key, value]) => attribute(key, value));
  return { opType: type, name, input: inputs, output: outputs, attribute: attributesOf };
}

function initializer({ name, shape, data }: OnnxModel["initializers"][number]): Written<TensorProto> {
  const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { name, dims: shape.map(BigInt), dataType: typeOf(data), rawData };
}

function value({ name, shape }: OnnxValue): Written<ValueInfoProto> {
  return { name, type: { tensorType: { elemType: FLOAT, shape: { dim: shape.map((extent) => ({ dimValue: BigInt(extent) })) } } } };
}

/** A model's bytes. */
export function encodeOnnx(model: OnnxModel): Uint8Array {
  return encodeModelProto({
    irVersion: 8n,
    producerName: model.producer,
    graph: {
      name: model.graphName,
      node: model.nodes.map(node),
      initializer: model.initializers.map(initializer),
      input: model.inputs.map(value),
      output: model.outputs.map(value),
    },
    opsetImport: [{ domain: "", version: BigInt(model.opset) }],
    metadataProps: Object.entries(model.metadata).map(([key, content]) => ({ key, value: content })),
  });
}
