import type { Model } from "../../src/model/model.ts";
import { modelGraph } from "../../src/model/modelGraph.ts";
import { findNetwork, type NetworkOptions } from "../../src/networks/index.ts";
import { fittingWidth } from "../../src/networks/networks.testing.ts";
import { randomWeights } from "./randomWeights.ts";

/** A small instance of a network as a model of three labels, with weights that leave nothing trivial. */
export function smallModel(network: string, more: NetworkOptions = {}, size = 32): Model {
  const { scalesDepth, takesDesigns } = findNetwork(network);
  const width = fittingWidth(network, takesDesigns ? 0.1 : 0.25);
  const model = {
    network,
    options: { isSmallImage: true, width, ...(scalesDepth ? { depth: 0.5 } : {}), ...more },
    labels: ["left", "right", "both"],
    preprocessing: { size, channels: 1, fit: "crop", mean: [0.3], std: [0.35] },
    provenance: {},
    metrics: {},
  } as const;
  const weights = randomWeights(modelGraph(model));
  // Counts are whole numbers.
  for (const [name, { shape }] of weights) if (shape.length === 0) weights.set(name, { shape, data: Float32Array.of(3) });
  return { ...model, weights };
}
