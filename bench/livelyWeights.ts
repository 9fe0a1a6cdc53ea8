import { random } from "../src/core/random.ts";
import { size } from "../src/core/shape.ts";
import type { Tensor } from "../src/core/tensor.ts";
import type { Graph } from "../src/ir/graph.ts";

/**
 * Weights that keep the activations of a deep network alive: uniform by fan-in, so that chains of ReLUs do not die out and linear bottlenecks do not grow
 * into the clamps, where rounding is amplified until no two engines agree; less in fully connected layers, whose outputs may be what channels are
 * multiplied by; normalisation near its start.
 */
export function livelyWeights(graph: Graph): Map<string, Tensor> {
  const weights = new Map<string, Tensor>();
  for (const { kind, name = "", shape, init } of graph.leaves) {
    if (kind !== "parameter" && kind !== "state") continue;
    const stream = random(1, name);
    const gain = shape.length > 1 ? Math.sqrt((shape.length > 2 ? 3 : 0.5) / size(shape.slice(1))) : 0.2;
    const middle = init?.kind === "constant" ? init.value : 0;
    weights.set(name, { shape, data: Float32Array.from({ length: size(shape) }, (_, i) => middle + gain * (2 * stream.uniform(i) - 1)) });
  }
  return weights;
}
