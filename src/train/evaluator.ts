import type { Dataset } from "../data/dataset.ts";
import type { Preprocessing } from "../data/preprocessing.ts";
import type { Backend, OpenOptions, Session, Weights } from "../engine/session.ts";
import { leavesOf } from "../ir/graph.ts";
import { optimise } from "../passes/index.ts";
import { type Evaluation, evaluate } from "./evaluate.ts";
import { evaluationGraph, type NetworkShape } from "./trainingGraph.ts";

/** Evaluates one network with changing weights; its plan is made at the first use and kept. */
export interface Evaluator {
  evaluate(weights: Weights, indices: Uint32Array, onBatch?: (done: number) => void | Promise<void>): Promise<Evaluation>;
  dispose(): void;
}

/** What an evaluator works with. */
export interface EvaluatorOptions {
  readonly shape: NetworkShape;
  readonly data: Dataset;
  readonly preprocessing: Preprocessing;
  readonly backend: Backend;
  readonly open: OpenOptions;
}

/** Opens an evaluator; nothing is compiled before it is used. */
export function openEvaluator({ shape, data, preprocessing, backend, open }: EvaluatorOptions): Evaluator {
  const graph = evaluationGraph(shape);
  let session: Session | undefined;
  return {
    async evaluate(weights, indices, onBatch) {
      // The folded graph has the same leaves whatever the weights are, so the first plan serves all.
      const folded = optimise(graph, weights);
      if (session) for (const [name, value] of folded.weights) session.write(name, value);
      else session = await backend.open(folded.graph, folded.weights, open);
      return evaluate({ session, data, indices, preprocessing, onBatch });
    },
    dispose() {
      session?.dispose();
      session = undefined;
    },
  };
}

/** The weights that a network is used with, out of a training's state: the averages where there are any. */
export function usableWeights(session: Session, names: readonly string[]): Weights {
  const stored = new Set(session.graph.leaves.map(({ name }) => name));
  return new Map(names.map((name) => [name, session.read(stored.has(`average.${name}`) ? `average.${name}` : name)]));
}

/** Names of the parameters and states of the network as it is used. */
export function weightNames(shape: NetworkShape): readonly string[] {
  const graph = evaluationGraph(shape);
  return [...leavesOf(graph, "parameter"), ...leavesOf(graph, "state")].map(({ name = "" }) => name);
}
