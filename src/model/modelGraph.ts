import type { Graph } from "../ir/graph.ts";
import { buildNetwork } from "../networks/index.ts";
import type { Model } from "./model.ts";

/** The model's graph for so many images a run: "image" [batch, channels, size, size] → "logits" [batch, labels]. */
export function modelGraph(
  { network, options, labels, preprocessing }: Pick<Model, "network" | "options" | "labels" | "preprocessing">,
  batch = 1,
): Graph {
  const { size, channels } = preprocessing;
  return buildNetwork(network, { ...options, classes: labels.length, batch, size, channels });
}
