/** Goldcrest for every platform: networks as graphs, their cost, and the engine that runs them. Needs nothing of Node. */
import "./core/requireNode.ts";
import { wasmBackend } from "./backends/wasm/index.ts";
import * as blocks from "./blocks/index.ts";
import type { Backend, OpenOptions, Session, Weights } from "./engine/session.ts";
import type { Graph } from "./ir/graph.ts";
import { optimise } from "./passes/index.ts";

export { referenceBackend } from "./backends/reference/index.ts";
export { hasRelaxedSimd, hasSharedMemory, type MemoryPlan, planMemory, wasmBackend } from "./backends/wasm/index.ts";
export * from "./core/errors.ts";
export { mitchellExp2, mitchellLog2, mitchellProduct, mitchellSlope } from "./core/mitchell.ts";
export type { Shape } from "./core/shape.ts";
export { nearest } from "./core/suggest.ts";
export { type Tensor, tensor, zeros } from "./core/tensor.ts";
export { openWebCodecs } from "./data/decode/codecs.ts";
export { type DecodeOptions, decodeImage } from "./data/decode/decode.ts";
export type { Image, PixelRule } from "./data/image.ts";
export { prepare } from "./data/resize.ts";
export type * from "./engine/session.ts";
export { fromReferenceNames, type NameMap, nameMapOf, toReferenceNames } from "./formats/names/index.ts";
export { encodeGraphAsOnnx, type OnnxNetwork, type OnnxOptions, type OnnxReadOptions, readOnnx } from "./formats/onnx/index.ts";
export { readWeights, serialiseSafetensors } from "./formats/safetensors.ts";
export type { Graph, Node, Value } from "./ir/graph.ts";
export type { Operations } from "./ir/op.ts";
export { print } from "./ir/print.ts";
export { graphScope, type Scope } from "./ir/scope.ts";
export { verify } from "./ir/verify.ts";
export { type ArithmeticForm, arithmeticForms } from "./model/arithmeticForms.ts";
export { openClassifier } from "./model/classifier.ts";
export { openClassifierInWorker, type RemoteClassifier } from "./model/classifierInWorker.ts";
export type { Classifier } from "./model/classifierOver.ts";
export {
  type Candidate,
  type ComparisonPlace,
  type ComparisonRow,
  type ComparisonTraining,
  countCandidate,
  type MeasureOptions,
  measureCandidates,
  trainCandidate,
} from "./model/compare.ts";
export { type ComparisonRecord, candidateKey, readComparison, writeComparison } from "./model/comparisonRecord.ts";
export { sourceNames } from "./model/import/sources.ts";
export type { Quantisation } from "./model/integerForm.ts";
export { loadModel, type Model, saveModel } from "./model/model.ts";
export { modelGraph } from "./model/modelGraph.ts";
export { type ImportedModel, modelFromOnnx, modelToOnnx, type OnnxModelOptions, type OnnxPrecision } from "./model/onnxModel.ts";
export { runnable } from "./model/runnable.ts";
export { type CatalogueEntry, catalogue } from "./networks/catalogue.ts";
export { type DesignPlace, designGraph, isDesign } from "./networks/designGraph.ts";
export { type Family, families } from "./networks/families.ts";
export { type BuildOptions, buildNetwork, findNetwork, legalWidth, type Network, type NetworkOptions, networks } from "./networks/index.ts";
export { makeDivisible } from "./networks/network.ts";
export {
  type Coefficients,
  compoundScale,
  type GridSearch,
  growthOf,
  publishedCoefficients,
  roundedChannels,
  type ScaledNetwork,
  type ScalingBase,
  type ScalingTrial,
  scaledRepeats,
  scalingGrid,
  searchCoefficients,
} from "./networks/scaling.ts";
export { ops } from "./ops/index.ts";
export { differentiate } from "./passes/differentiate.ts";
export type { Weighted } from "./passes/foldConstants.ts";
export { optimise } from "./passes/index.ts";
export { type Arithmetic, type ArithmeticChoice, arithmetics, gradientsOf, setArithmetic } from "./passes/setArithmetic.ts";
export { blockDiagram } from "./profile/blockDiagram.ts";
export { type DiagramTitle, isOfAdditions, networkDiagram } from "./profile/diagram.ts";
export { energyOf, type NumberType, numberTypes, typesOf } from "./profile/energy.ts";
export { type MeasuredCost, measureCost } from "./profile/measuredCost.ts";
export { type Outline, type OutlineBlock, type OutlineRow, outline, rowsOf } from "./profile/outline.ts";
export { type Axis, type ScatterOptions, type ScatterPoint, scatterPlot } from "./profile/scatter.ts";
export { type CostRow, type StaticCost, staticCost } from "./profile/staticCost.ts";
export type { Part } from "./profile/structure.ts";
export { initialise } from "./train/initialise.ts";
export { type ProgressiveStage, progressiveSchedule } from "./train/progressive.ts";

/** The literature's blocks and the survey's, each a function (scope, input, options) → output. */
export { blocks };

/** How a graph is compiled for inference. */
export interface CompileOptions extends OpenOptions {
  /** Default: the WebAssembly engine. */
  readonly backend?: Backend;
}

/** A graph made ready to run with fixed weights: normalisation folded, activations fused, memory planned. Dispose of it after use. */
export async function compile(
  graph: Graph,
  weights: Weights,
  { backend = wasmBackend, ...options }: CompileOptions = {},
): Promise<Session> {
  const optimised = optimise(graph, weights);
  return backend.open(optimised.graph, optimised.weights, options);
}
