import { random } from "../../src/core/random.ts";
import { size } from "../../src/core/shape.ts";
import type { Tensor } from "../../src/core/tensor.ts";
import { type Graph, leavesOf, type Value } from "../../src/ir/graph.ts";

function filled(leaf: Value, element: (uniform: number) => number): Tensor {
  const stream = random(3, leaf.name as string);
  return { shape: leaf.shape, data: Float32Array.from({ length: size(leaf.shape) }, (_, i) => element(stream.uniform(i))) };
}

/** Below the gain that keeps a rectified signal: deep residual networks would otherwise make a thousandfold of every rounding. */
const GAIN = 0.7;

/**
 * Parameters and states that leave nothing trivial: weights of one gain whatever their shape, vectors around 1, states (some are variances) from 0.5 to 1.5,
 * scalars 0.5.
 */
export function randomWeights(graph: Graph): Map<string, Tensor> {
  const weights = new Map<string, Tensor>();
  for (const leaf of leavesOf(graph, "parameter")) {
    const bound = GAIN * Math.sqrt(6 / (size(leaf.shape) / leaf.shape[0]));
    weights.set(leaf.name as string, leaf.shape.length > 1 ? filled(leaf, (u) => bound * (2 * u - 1)) : filled(leaf, (u) => 0.75 + u / 2));
  }
  for (const leaf of leavesOf(graph, "state"))
    weights.set(
      leaf.name as string,
      filled(leaf, (u) => (leaf.shape.length > 0 ? 0.5 + u : 0.5)),
    );
  return weights;
}

/** Inputs: rows of [n, classes] are distributions where the name is "target", all else is uniform in [0, 1). */
export function randomInputs(graph: Graph): Map<string, Tensor> {
  return new Map(
    leavesOf(graph, "input").map((leaf) => {
      const isTarget = leaf.name === "target";
      return [leaf.name as string, filled(leaf, (u) => (isTarget ? 1 / leaf.shape[1] : u))];
    }),
  );
}
