import type { Graph } from "../ir/graph.ts";
import { type Blueprint, graphOf } from "./carried.ts";
import { zoo } from "./zoo.ts";

/** The model's graph for so many images a run: "image" [batch, channels, size, size] → "logits" [batch, labels]. */
export function modelGraph(model: Blueprint, batch = 1): Graph {
  return graphOf(zoo, model, batch);
}
