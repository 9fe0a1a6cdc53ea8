/** Small ONNX files, made for tests. */
import { random } from "../../../core/random.ts";
import { type Shape, size } from "../../../core/shape.ts";
import { type ElementArray, typeOf } from "../elements.ts";
import { type AttributeProto, encodeModelProto, type ModelProto, type TensorProto, type Written } from "../schema.ts";

/** An attribute: whole numbers are integers; `{ float }` and `{ floats }` are what they say. */
export type TestAttribute = number | string | readonly number[] | { readonly float: number } | { readonly tensor: Written<TensorProto> };

/** One operator: type, operands, attributes; it gives `y` unless told otherwise. */
export interface TestNode {
  readonly type: string;
  readonly inputs: readonly string[];
  readonly outputs?: readonly string[];
  readonly attributes?: Readonly<Record<string, TestAttribute>>;
  readonly domain?: string;
}

/** A file: operators, the shapes of its inputs, and constants. */
export interface TestFile {
  readonly nodes: readonly TestNode[];
  readonly inputs?: Readonly<Record<string, Shape>>;
  readonly constants?: Readonly<Record<string, { readonly shape: Shape; readonly data: ElementArray }>>;
  readonly outputs?: readonly string[];
  readonly opset?: number;
}

function attribute(name: string, value: TestAttribute): Written<AttributeProto> {
  if (typeof value === "number") return { name, type: 2, i: BigInt(value) };
  if (typeof value === "string") return { name, type: 3, s: new TextEncoder().encode(value) };
  if ("float" in value) return { name, type: 1, f: value.float };
  if ("tensor" in value) return { name, type: 4, t: value.tensor };
  return { name, type: 7, ints: value.map(BigInt) };
}

/** A stored tensor. */
export function tensorOf(name: string, shape: Shape, data: ElementArray): Written<TensorProto> {
  return { name, dims: shape.map(BigInt), dataType: typeOf(data), rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
}

/** Whole numbers as a constant. */
export function whole(...values: readonly number[]): { readonly shape: Shape; readonly data: BigInt64Array } {
  return { shape: [values.length], data: BigInt64Array.from(values, BigInt) };
}

/** One number as a constant. */
export function number(value: number): { readonly shape: Shape; readonly data: Float32Array } {
  return { shape: [], data: Float32Array.of(value) };
}

/** Numbers of [−2, 2), the same for the same name. */
export function numbers(name: string, ...shape: readonly number[]): { readonly shape: Shape; readonly data: Float32Array } {
  const stream = random(5, name);
  return { shape, data: Float32Array.from({ length: size(shape) }, (_, i) => 4 * stream.uniform(i) - 2) };
}

/** The message of a file. */
export function messageOf({
  nodes,
  inputs = { x: [1, 4, 6, 5] },
  constants = {},
  outputs = ["y"],
  opset = 17,
}: TestFile): Written<ModelProto> {
  return {
    irVersion: 8n,
    producerName: "test",
    opsetImport: [{ domain: "", version: BigInt(opset) }],
    graph: {
      name: "test",
      node: nodes.map(({ type, inputs: read, outputs: given = ["y"], attributes = {}, domain = "" }, i) => ({
        opType: type,
        name: `${type}.${i}`,
        domain,
        input: read,
        output: given,
        attribute: Object.entries(attributes).map(([name, value]) => attribute(name, value)),
      })),
      initializer: Object.entries(constants).map(([name, { shape, data }]) => tensorOf(name, shape, data)),
      input: Object.entries(inputs).map(([name, shape]) => ({
        name,
        type: { tensorType: { elemType: 1, shape: { dim: shape.map((extent) => ({ dimValue: BigInt(extent) })) } } },
      })),
      output: outputs.map((name) => ({ name, type: { tensorType: { elemType: 1 } } })),
    },
  };
}

/** The bytes of a file. */
export function fileOf(file: TestFile): Uint8Array {
  return encodeModelProto(messageOf(file));
}
