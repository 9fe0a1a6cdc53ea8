/** Readers of bytes and of records that come from others, with what they read well: for mutation. */

import { graphRecord, readGraphRecord } from "../../src/formats/graphRecord.ts";
import { encodeGraphAsOnnx } from "../../src/formats/onnx/encode.ts";
import { fileOf, number, numbers, type TestNode, whole } from "../../src/formats/onnx/read/files.testing.ts";
import { readOnnx } from "../../src/formats/onnx/read/index.ts";
import { inferenceNetwork } from "../lib/smallNetworks.ts";

/** One reader: bytes that it accepts, and how it reads; whatever the bytes, it throws nothing but errors of ours. */
export interface FuzzEntry {
  readonly name: string;
  seeds(): readonly Uint8Array[];
  read(bytes: Uint8Array): unknown;
}

/** A file with a node of every kind of operand: attributes, constants of several types, text. */
function mixed(): Uint8Array {
  const nodes: readonly TestNode[] = [
    { type: "Pad", inputs: ["x", "p"], outputs: ["a"], attributes: { mode: "reflect" } },
    { type: "Conv", inputs: ["a", "w"], outputs: ["b"], attributes: { group: 2, strides: [2, 2], auto_pad: "SAME_UPPER" } },
    { type: "Clip", inputs: ["b", "low", "high"], outputs: ["c"] },
    { type: "Resize", inputs: ["c", "", "s"], outputs: ["d"], attributes: { mode: "linear" } },
    { type: "Slice", inputs: ["d", "from", "to", "axes"], outputs: ["e"] },
    { type: "ReduceMean", inputs: ["e"], outputs: ["f"], attributes: { axes: [2, 3], keepdims: 0 } },
    { type: "Gemm", inputs: ["f", "m"], attributes: { alpha: { float: 0.5 } } },
  ];
  const scales = { shape: [4], data: Float32Array.of(1, 1, 2, 2) };
  const lists = { p: whole(0, 0, 1, 1, 0, 0, 1, 1), from: whole(1), to: whole(7), axes: whole(1) };
  const tensors = { w: numbers("w", 8, 2, 3, 3), m: numbers("m", 6, 3), low: number(-1), high: number(2), s: scales };
  return fileOf({ nodes, constants: { ...lists, ...tensors } });
}

function exported(name: string): Uint8Array {
  const { graph, weights } = inferenceNetwork(name, { width: 0.1 });
  return encodeGraphAsOnnx(graph, weights);
}

/** Readers of ONNX files and of graphs in model files. */
export const onnxReaders: readonly FuzzEntry[] = [
  {
    name: "ONNX model",
    seeds: () => [mixed(), exported("squeezenet-1.1"), exported("shufflenet-v2")],
    read: (bytes) => readOnnx(bytes, { size: 32 }),
  },
  {
    name: "graph of a model file",
    seeds: () =>
      ["squeezenet-1.1", "mobilenet-v2"].map((name) => new TextEncoder().encode(JSON.stringify(graphRecord(inferenceNetwork(name).graph)))),
    read: (bytes) => readGraphRecord(JSON.parse(new TextDecoder().decode(bytes))),
  },
];
