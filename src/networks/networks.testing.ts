import { size } from "../core/shape.ts";
import { type Graph, leavesOf } from "../ir/graph.ts";
import { costOf } from "../ir/op.ts";
import { findNetwork, legalWidth, type Network } from "./index.ts";

/** A width near the one given at which the network can be built. */
export function fittingWidth(which: string | Network, width: number): number {
  return legalWidth(typeof which === "string" ? findNetwork(which) : which, width);
}

/** Parameters and multiply–accumulates of a graph. */
export function count(graph: Graph): { params: number; macs: number } {
  const params = leavesOf(graph, "parameter").reduce((sum, leaf) => sum + size(leaf.shape), 0);
  return { params, macs: graph.nodes.reduce((sum, node) => sum + costOf(node).macs, 0) };
}
