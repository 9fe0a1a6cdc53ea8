/** ONNX in and out, loaded with its reader of protocol buffers when first asked for. */
import type { Tensor } from "../../core/tensor.ts";
import type { Graph } from "../../ir/graph.ts";
import type { OnnxOptions } from "./encode.ts";
import type { OnnxNetwork, OnnxReadOptions } from "./read/index.ts";

export type { OnnxOptions } from "./encode.ts";
export type { OnnxNetwork, OnnxReadOptions } from "./read/index.ts";

/** A float graph with its weights as an ONNX model (opset 17); inputs and outputs keep their names and logical NCHW shapes. */
export async function encodeGraphAsOnnx(graph: Graph, weights: ReadonlyMap<string, Tensor>, options?: OnnxOptions): Promise<Uint8Array> {
  const { encodeGraphAsOnnx: encode } = await import("./encode.ts");
  return encode(graph, weights, options);
}

/** Reads an ONNX model. Inputs and outputs keep their names; one image a run unless `shapes` says otherwise. */
export async function readOnnx(file: Uint8Array, options?: OnnxReadOptions): Promise<OnnxNetwork> {
  const { readOnnx: read } = await import("./read/index.ts");
  return read(file, options);
}
