import { random } from "../../src/core/random.ts";
import { size } from "../../src/core/shape.ts";
import type { Tensor } from "../../src/core/tensor.ts";
import { type Graph, leavesOf, type Value } from "../../src/ir/graph.ts";
import { dynamicShiftMax } from "../../src/ops/dynamicShiftMax.ts";

function filled(leaf: Value, element: (uniform: number) => number): Tensor {
  const stream = random(3, leaf.name as string);
  return { shape: leaf.shape, data: Float32Array.from({ length: size(leaf.shape) }, (_, i) => element(stream.uniform(i))) };
}

/** Below the gain that keeps a rectified signal: deep residual networks would otherwise make a thousandfold of every rounding. */
const GAIN = 0.7;
/** Where layers compute what multiplies the signal in every block, that would grow without bound. */
const COEFFICIENT_GAIN = 0.2;

/** The weights of the layers that compute the coefficients of Dynamic Shift-Max. */
function coefficientWeights(graph: Graph): ReadonlySet<Value | undefined> {
  const gates = graph.nodes.filter(({ op }) => op === dynamicShiftMax).map(({ inputs }) => inputs[1]);
  return new Set(gates.map((gate) => gate.producer?.inputs[0].producer?.inputs[1]));
}

/**
 * Parameters and states that leave nothing trivial: weights of one gain whatever their shape, vectors around 1, states (some are variances) from 0.5 to 1.5,
 * scalars 0.5.
 */
export function randomWeights(graph: Graph): Map<string, Tensor> {
  const weights = new Map<string, Tensor>();
  const coefficients = coefficientWeights(graph);
  for (const leaf of leavesOf(graph, "parameter")) {
    const bound = (coefficients.has(leaf) ? COEFFICIENT_GAIN : GAIN) * Math.sqrt(6 / (size(leaf.shape) / leaf.shape[0]));
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
