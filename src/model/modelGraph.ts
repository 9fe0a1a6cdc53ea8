import { OptionError } from "../core/errors.ts";
import { formatShape, isSameShape } from "../core/shape.ts";
import { readGraphRecord } from "../formats/graphRecord.ts";
import type { Graph } from "../ir/graph.ts";
import { buildNetwork } from "../networks/index.ts";
import { setBatch } from "../passes/setBatch.ts";
import type { Model } from "./model.ts";

/** The model's graph for so many images a run: "image" [batch, channels, size, size] → "logits" [batch, labels]. */
export function modelGraph(
  { network, options, graph, labels, preprocessing }: Pick<Model, "network" | "options" | "graph" | "labels" | "preprocessing">,
  batch = 1,
): Graph {
  const { size, channels } = preprocessing;
  if (graph) return setBatch(fitting(readGraphRecord(graph, network), [1, channels, size, size], [1, labels.length]), batch);
  return buildNetwork(network, { ...options, classes: labels.length, batch, size, channels });
}

/** Refuses a stored graph that does not go from images of this shape to logits of that one. */
function fitting(graph: Graph, image: readonly number[], logits: readonly number[]): Graph {
  const inputs = graph.leaves.filter(({ kind }) => kind === "input");
  const found = [inputs.length === 1 && inputs[0].name === "image" ? inputs[0].shape : [], graph.outputs.logits?.shape ?? []];
  for (const [i, needed] of [image, logits].entries()) {
    if (isSameShape(found[i], needed)) continue;
    const what = i === 0 ? "images" : "logits";
    throw new OptionError(`the network in the file is made for ${what} ${formatShape(found[i])}, asked for ${formatShape(needed)}`);
  }
  return graph;
}
