import { InternalError } from "../core/errors.ts";
import { random } from "../core/random.ts";
import { size } from "../core/shape.ts";
import { type Tensor, tensor } from "../core/tensor.ts";
import type { Weights } from "../engine/session.ts";
import type { Graph, Value } from "../ir/graph.ts";

function start(leaf: Value, seed: number): Tensor {
  const { name, init, shape } = leaf;
  if (name === undefined || init === undefined) throw new InternalError(`leaf ${leaf.id} ("${name}") has no initial value`);
  const data = new Float32Array(size(shape));
  if (init.kind === "constant") return tensor(shape, data.fill(init.value));
  const stream = random(seed, name);
  if (init.kind === "normal") for (let i = 0; i < data.length; i++) data[i] = init.std * stream.normal(i);
  else for (let i = 0; i < data.length; i++) data[i] = init.bound * (2 * stream.uniform(i) - 1);
  return tensor(shape, data);
}

/** Starting values of every parameter and state; each is keyed by (seed, its name), so adding a layer changes no other. */
export function initialise(graph: Graph, seed: number): Weights {
  const weights = new Map<string, Tensor>();
  for (const leaf of graph.leaves) {
    if (leaf.kind === "parameter" || leaf.kind === "state") weights.set(leaf.name as string, start(leaf, seed));
  }
  return weights;
}
