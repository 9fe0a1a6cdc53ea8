import { preprocessingFor } from "../../src/data/preprocessing.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { extendScope } from "../../src/ir/scope.ts";
import type { Model } from "../../src/model/model.ts";
import { modelGraph } from "../../src/model/modelGraph.ts";
import { type BuildOptions, buildNetwork, findNetwork, networks } from "../../src/networks/index.ts";
import { fittingWidth } from "../../src/networks/networks.testing.ts";
import { ops } from "../../src/ops/index.ts";
import { differentiate } from "../../src/passes/differentiate.ts";
import type { Weighted } from "../../src/passes/foldConstants.ts";
import { randomWeights } from "./randomWeights.ts";

/** Names of the networks that differ in more than the numbers of their table: other sizes of a family run the same code. */
export const representatives: readonly string[] = Object.values(networks)
  .filter(({ scaledFrom }) => scaledFrom === undefined)
  .map(({ name }) => name);

/** Options of a small instance of a network. */
export function smallOptions(name: string): BuildOptions & { readonly size: number; readonly classes: number } {
  const { scalesDepth, takesDesigns } = findNetwork(name);
  // Dense convolutions cost more: narrower, the plain backbones take no longer than the others.
  const width = fittingWidth(name, takesDesigns ? 0.1 : 0.25);
  return { size: 32, classes: 3, width, depth: scalesDepth ? 0.5 : 1, isSmallImage: true };
}

/** A small instance of a network, with weights that leave nothing trivial. */
export function inferenceNetwork(name: string, more: BuildOptions = {}): Weighted {
  const graph = buildNetwork(name, { ...smallOptions(name), ...more });
  return { graph, weights: randomWeights(graph) };
}

/** The same as a model, for images of 32 pixels and three labels. */
export function smallModel(name: string): Model {
  const { size: _size, classes: _classes, ...options } = smallOptions(name);
  const card = { network: name, options, labels: ["a", "b", "c"], preprocessing: preprocessingFor({ size: 32, channels: 3, fit: "crop" }) };
  return { ...card, weights: randomWeights(modelGraph(card)), provenance: {}, metrics: {} };
}

/** Loss and gradients of a graph; every gradient and every updated state is an output, so that a pass that harms one is seen. */
export function withGradients(network: Graph): Weighted {
  const g = extendScope(network, { isTraining: true });
  const { logits } = network.outputs;
  g.output("loss", ops.softmaxCrossEntropy(g, [logits, g.input("target", logits.shape)], { smoothing: 0.1 }));
  const { graph, gradients } = differentiate(g.finish());
  const full = extendScope(graph);
  for (const [leaf, gradient] of gradients) full.output(`gradient of ${leaf.name}`, gradient);
  for (const { target, source } of graph.updates) full.output(`new ${target.name}`, source);
  return { graph: full.finish(), weights: randomWeights(graph) };
}

/** A small network in training, with loss and gradients. */
export function trainingNetwork(name: string, more: BuildOptions = {}): Weighted {
  // Where one pixel is left (or features are normalised), two images give normalisation two values, of which only the signs survive: the gradients would be mere rounding.
  const { keepsStrides, normalisesFeatures } = findNetwork(name);
  const batch = keepsStrides || normalisesFeatures ? 8 : 2;
  return withGradients(buildNetwork(name, { ...smallOptions(name), batch, ...more, isTraining: true }));
}
