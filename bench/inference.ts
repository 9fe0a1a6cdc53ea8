/** Inference, batch 1: ours against onnxruntime-web (wasm) on the same weights; outputs compared first, turns interleaved. */
import * as ort from "onnxruntime-web";
import { random } from "../src/core/random.ts";
import { size } from "../src/core/shape.ts";
import type { Tensor } from "../src/core/tensor.ts";
import { encodeGraphAsOnnx } from "../src/formats/onnx/index.ts";
import { compile } from "../src/index.ts";
import type { Graph } from "../src/ir/graph.ts";
import { buildNetwork } from "../src/networks/index.ts";
import { interleave, timed } from "./interleave.ts";

/** One line of the result. */
export interface InferenceRow {
  readonly network: string;
  readonly size: number;
  readonly precision: "f32";
  readonly threads: number;
  readonly peer: string;
  readonly oursMs: number;
  readonly peerMs: number;
  /** Ours over the peer's; below 1 we are faster. */
  readonly ratio: number;
  /** Largest difference of the outputs, over the largest output. */
  readonly maxError: number;
  readonly fallbacks: number;
}

/** Networks compared unless one is named. */
const compared = ["mobilenet-v1", "mobilenet-v2", "mobilenet-v3-small", "mobilenet-v3-large", "shufflenet-v2", "squeezenet-1.1"];

/** Weights that keep the activations of a deep network alive: uniform by fan-in, normalisation near its start. */
function livelyWeights(graph: Graph): Map<string, Tensor> {
  const weights = new Map<string, Tensor>();
  for (const { kind, name = "", shape, init } of graph.leaves) {
    if (kind !== "parameter" && kind !== "state") continue;
    const stream = random(1, name);
    const gain = shape.length > 1 ? Math.sqrt(6 / size(shape.slice(1))) : 0.2;
    const middle = init?.kind === "constant" ? init.value : 0;
    weights.set(name, { shape, data: Float32Array.from({ length: size(shape) }, (_, i) => middle + gain * (2 * stream.uniform(i) - 1)) });
  }
  return weights;
}

async function compareOne(network: string, threads: number, rounds: number): Promise<InferenceRow> {
  const graph = buildNetwork(network);
  const weights = livelyWeights(graph);
  const { shape } = graph.leaves.find(({ kind }) => kind === "input") as { shape: readonly number[] };
  const { uniform } = random(2, "image");
  const data = Float32Array.from({ length: size(shape) }, (_, i) => 3 * uniform(i) - 1.5);

  ort.env.wasm.numThreads = threads;
  const peer = await ort.InferenceSession.create(encodeGraphAsOnnx(graph, weights), { executionProviders: ["wasm"] });
  const feeds = { image: new ort.Tensor("float32", data, [...shape]) };
  const expected = (await peer.run(feeds)).logits.data as Float32Array;

  using session = await compile(graph, weights, { threads });
  const { logits } = session.run({ image: { shape, data } });
  const most = expected.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  const maxError = logits.data.reduce((max, value, i) => Math.max(max, Math.abs(value - expected[i])), 0) / most;

  const peerTurn = async (): Promise<number> => {
    const start = performance.now();
    for (let i = 0; i < 5; i++) await peer.run(feeds);
    return (performance.now() - start) / 5;
  };
  // Both engines' code is compiled anew in the background while it is hot; neither is timed on code that it then drops.
  for (const start = performance.now(); performance.now() - start < 1000; ) session.runInPlace();
  for (const start = performance.now(); performance.now() - start < 1000; ) await peer.run(feeds);
  const times = await interleave({ ours: timed(() => session.runInPlace(), 150), peer: peerTurn }, rounds);
  await peer.release();
  const fallbacks = session.fallbacks.length;
  const ratio = times.ours / times.peer;
  return {
    network,
    size: shape[2],
    precision: "f32",
    threads,
    peer: "onnxruntime-web",
    oursMs: times.ours,
    peerMs: times.peer,
    ratio,
    maxError,
    fallbacks,
  };
}

/** Compares the named network, or all. */
export async function inferenceRows(threads: number, only: string | undefined, rounds: number): Promise<InferenceRow[]> {
  const rows: InferenceRow[] = [];
  for (const network of only ? [only] : compared) {
    rows.push(await compareOne(network, threads, rounds));
    console.error(rows.at(-1));
  }
  return rows;
}
