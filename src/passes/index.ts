import type { Tensor } from "../core/tensor.ts";
import type { Graph } from "../ir/graph.ts";
import { verify } from "../ir/verify.ts";
import { absorbShuffle } from "./absorbShuffle.ts";
import { foldBatchNorm } from "./foldBatchNorm.ts";
import { foldConstants, type Weighted } from "./foldConstants.ts";
import { fuseActivation } from "./fuseActivation.ts";
import { removeDead } from "./removeDead.ts";

/** A named rewrite that leaves every output as it was. */
export interface Pass {
  readonly name: string;
  apply(weighted: Weighted): Weighted;
}

/** A pass that does not look at the weights. */
function onGraph(pass: (graph: Graph) => Graph): Pass {
  return { name: pass.name, apply: ({ graph, weights }) => ({ graph: pass(graph), weights }) };
}

/** What is computed once when weights are fixed, in order; `isRead`: convolutions may read shuffled channels. */
function foldingPasses(isRead: boolean): readonly Pass[] {
  return [
    onGraph(removeDead),
    { name: "absorbShuffle", apply: ({ graph, weights }) => ({ graph: absorbShuffle(graph, { isRead }), weights }) },
    onGraph(foldBatchNorm),
    { name: "foldConstants", apply: ({ graph, weights }) => foldConstants(graph, weights) },
  ];
}

/** What makes a graph fast to run with fixed weights, in order. */
export const inferencePasses: readonly Pass[] = [...foldingPasses(true), onGraph(fuseActivation)];

/** What makes a graph fast to run while its weights change, in order; for use after `differentiate` and the optimiser's nodes. */
export const trainingPasses: readonly Pass[] = [onGraph(removeDead), onGraph(fuseActivation)];

/** Applies passes in order and verifies the graph after each. */
export function applyPasses(passes: readonly Pass[], weighted: Weighted): Weighted {
  return passes.reduce((held, pass) => {
    const next = pass.apply(held);
    verify(next.graph);
    return next;
  }, weighted);
}

/** A graph for inference: the same outputs, normalisation folded, constants computed, activations fused. */
export function optimise(graph: Graph, weights: ReadonlyMap<string, Tensor>): Weighted {
  return applyPasses(inferencePasses, { graph, weights });
}

/** The same but for the activations and for what only convolutions of floats read: what `toInteger` starts from. */
export function fold(graph: Graph, weights: ReadonlyMap<string, Tensor>): Weighted {
  return applyPasses(foldingPasses(false), { graph, weights });
}

/** A graph for training: the same outputs and updates, unread nodes dropped, activations fused where no gradient reads past them. */
export function optimiseTraining(graph: Graph): Graph {
  return applyPasses(trainingPasses, { graph, weights: new Map() }).graph;
}
