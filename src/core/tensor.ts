import { InternalError } from "./errors.ts";
import { formatShape, type Shape, size } from "./shape.ts";

/** Element storage of a tensor in memory. */
export type NumericArray = Float64Array | Float32Array | Int32Array | BigInt64Array | Uint8Array | Int8Array;

/** A dense row-major array in host memory (a `Value` exists in a graph, a `Tensor` in memory). */
export interface Tensor<A extends NumericArray = Float32Array> {
  readonly shape: Shape;
  readonly data: A;
}

/** What the float64 reference computes with. */
export type ReferenceTensor = Tensor<Float64Array>;

/** Wraps data without copying it; the lengths must agree. */
export function tensor<A extends NumericArray>(shape: Shape, data: A): Tensor<A> {
  if (data.length !== size(shape)) throw new InternalError(`tensor ${formatShape(shape)} given ${data.length} elements`);
  return { shape, data };
}

/** A float32 tensor of zeros. */
export function zeros(shape: Shape): Tensor {
  return { shape, data: new Float32Array(size(shape)) };
}

/** A float64 copy, for the reference. */
export function toReference(source: Tensor<Float32Array | Float64Array>): ReferenceTensor {
  return { shape: source.shape, data: new Float64Array(source.data) };
}
