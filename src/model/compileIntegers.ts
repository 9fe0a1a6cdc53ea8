import { wasmBackend } from "../backends/wasm/index.ts";
import type { Tensor } from "../core/tensor.ts";
import type { Backend, OpenOptions, Session, Weights } from "../engine/session.ts";
import type { Graph } from "../ir/graph.ts";
import { fold } from "../passes/index.ts";
import { calibrate } from "../quantize/calibrate.ts";
import { chooseRange, type RangeMethod } from "../quantize/histogram.ts";
import { quantizeGraph } from "../quantize/quantize.ts";

/** How a graph is compiled to integers. */
export interface CompileIntegersOptions extends OpenOptions {
  /** How ranges are chosen. Default: the least squared error. */
  readonly method?: RangeMethod;
  readonly backend?: Backend;
}

/** A graph in integers, calibrated on samples (inputs by name, at least eight images in all). Dispose of it after use. */
export async function compileIntegers(
  graph: Graph,
  weights: Weights,
  samples: readonly Readonly<Record<string, Tensor>>[],
  { method = "mse", backend = wasmBackend, ...open }: CompileIntegersOptions = {},
): Promise<Session> {
  const folded = fold(graph, weights);
  const batches = async function* (): AsyncIterable<Readonly<Record<string, Tensor>>> {
    yield* samples;
  };
  const observations = await calibrate({ ...folded, batches, backend });
  const ranges = new Map([...observations].map(([value, { distribution }]) => [value, chooseRange(distribution, method)]));
  const integer = quantizeGraph(folded, ranges);
  return backend.open(integer.graph, integer.weights, open);
}
