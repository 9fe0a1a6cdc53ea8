/**
 * TensorFlow.js on its WebAssembly backend, one thread. The graph as our passes leave it (normalisation folded, activations fused) is rebuilt from
 * tf.fused operations, the fastest form that TensorFlow.js has. Networks with other nodes than those of the MobileNets V1 and V2 have no such form.
 */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import * as wasm from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../../src/core/tensor.ts";
import type { Graph, Node, Value } from "../../src/ir/graph.ts";
import type { Convolution } from "../../src/ops/convolution.ts";
import { optimise } from "../../src/passes/index.ts";
import type { Peer } from "./peer.ts";

type Held = Map<Value, tf.Tensor>;
type Apply = (x: tf.Tensor4D, node: Node, held: Held) => tf.Tensor;

/** OIHW to the layouts of TensorFlow.js: [height, width, in, out]; depthwise [height, width, channels, 1]. */
function stored(value: Value, { shape, data }: Tensor, depthwise: ReadonlySet<Value>): tf.Tensor {
  const tensor = tf.tensor(data, [...shape]);
  if (shape.length === 2) return tf.transpose(tensor, [1, 0]);
  if (shape.length < 4) return tensor;
  return tf.transpose(tensor, depthwise.has(value) ? [2, 3, 0, 1] : [2, 3, 1, 0]);
}

type Activation = "linear" | "relu" | "relu6";

/** The fused function of one operand; a residual addition, which has two, is no activation. */
const activationOf = ({ epilogue }: Node): Activation =>
  (epilogue.find(({ inputs }) => inputs.length === 0)?.op.name ?? "linear") as Activation;

const isDepthwise = ({ inputs: [x], attrs }: Node): boolean => (attrs as Convolution).groups === x.shape[1] && x.shape[1] > 1;

const convolve: Apply = (x, node, held) => {
  const { stride, padding } = node.attrs as Convolution;
  const pad = [[0, 0], padding.slice(0, 2), padding.slice(2), [0, 0]];
  const [, filter, bias] = node.inputs.map((value) => held.get(value) as tf.Tensor);
  const options = { x, bias, filter: filter as tf.Tensor4D, activation: activationOf(node), strides: [...stride] as [number, number] };
  // Explicit padding runs everywhere, but is missing from one of the two declarations.
  return (isDepthwise(node) ? tf.fused.depthwiseConv2d : tf.fused.conv2d)({ ...options, pad: pad as unknown as "valid" });
};

const operations: Readonly<Record<string, Apply>> = {
  conv2d: convolve,
  globalAveragePool: (x) => tf.mean(x, [1, 2]),
  reshape: (x, node) => tf.reshape(x, [...node.outputs[0].shape]),
  linear(x, node, held) {
    const [, b, bias] = node.inputs.map((value) => held.get(value) as tf.Tensor2D);
    return tf.fused.matMul({ a: x as unknown as tf.Tensor2D, b, bias });
  },
};

/** One activation, or one residual addition. */
const canFuse = ({ epilogue }: Node): boolean =>
  epilogue.length === 0 || (epilogue.length === 1 && ["relu", "relu6", "add"].includes(epilogue[0].op.name));

const hasFusedForm = ({ nodes }: Graph): boolean => nodes.every((node) => node.op.name in operations && canFuse(node));

function runGraph(graph: Graph, leaves: Held): tf.Tensor {
  return tf.tidy(() => {
    const held: Held = new Map(leaves);
    for (const node of graph.nodes) {
      const y = operations[node.op.name](held.get(node.inputs[0]) as tf.Tensor4D, node, held);
      const [residual] = node.epilogue.flatMap(({ inputs }) => inputs);
      held.set(node.outputs[0], residual ? tf.add(y, held.get(residual) as tf.Tensor) : y);
    }
    return held.get(graph.outputs.logits) as tf.Tensor;
  });
}

export const tfjsWasm: Peer = {
  name: "tfjs-wasm",
  async open({ graph: original, weights: given, image, threads }) {
    const { graph, weights } = optimise(original, given);
    if (threads > 1 || !hasFusedForm(graph)) return undefined;
    wasm.setWasmPaths(`${dirname(fileURLToPath(import.meta.resolve("@tensorflow/tfjs-backend-wasm")))}/`);
    await tf.setBackend("wasm");
    const depthwise = new Set(graph.nodes.filter((node) => node.op.name === "conv2d" && isDepthwise(node)).map((node) => node.inputs[1]));
    const leaves: Held = new Map();
    for (const leaf of graph.leaves) {
      if (leaf.kind === "input") leaves.set(leaf, tf.transpose(tf.tensor(image.data, [...image.shape]), [0, 2, 3, 1]));
      else leaves.set(leaf, stored(leaf, weights.get(leaf.name as string) as Tensor, depthwise));
    }
    const once = async (): Promise<Float32Array> => {
      const logits = runGraph(graph, leaves);
      const data = (await logits.data()) as Float32Array;
      logits.dispose();
      return data;
    };
    return {
      run: once,
      async repeat(times) {
        for (let i = 0; i < times; i++) await once();
      },
      close: async () => tf.dispose([...leaves.values()]),
    };
  },
};
