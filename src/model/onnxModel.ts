/** Models and ONNX files: from a file that was read to a model, and from a model to the bytes of a file. */
import { FormatError, OptionError } from "../core/errors.ts";
import { formatShape, isSameShape, size } from "../core/shape.ts";
import { checkPreprocessing, type Preprocessing, preprocessingFor } from "../data/preprocessing.ts";
import { graphRecord } from "../formats/graphRecord.ts";
import type { OnnxNetwork } from "../formats/onnx/read/index.ts";
import { parseStrictJson, type StrictJson } from "../formats/strictJson.ts";
import type { Graph, Value } from "../ir/graph.ts";
import { graphScope } from "../ir/scope.ts";
import { reshape } from "../ops/reshape.ts";
import { softmax } from "../ops/softmax.ts";
import { graft } from "../passes/graft.ts";
import { removeDead } from "../passes/removeDead.ts";
import { applicationOf } from "../passes/rewrite.ts";
import { foldedIntegers } from "./integerForm.ts";
import type { Model } from "./model.ts";
import { modelGraph } from "./modelGraph.ts";

/** What a file does not say of itself. */
export interface OnnxModelOptions {
  /** Class names in the order of the outputs; by default the file's, else numbers. */
  readonly labels?: readonly string[];
  /** How pixels become the input; by default the file's, else that of photographs. */
  readonly preprocessing?: Partial<Pick<Preprocessing, "fit" | "mean" | "std">>;
  /** The output that names what is on an image; by default "logits", else the first vector. */
  readonly output?: string;
  /** What the network is called; by default as the file calls it. */
  readonly name?: string;
  readonly where?: string;
}

/** A model and what was assumed to make it one. */
export interface ImportedModel {
  readonly model: Model;
  readonly notes: readonly string[];
}

/** The features of an output, [1, k]; undefined for maps. */
function isVector({ shape }: Value): boolean {
  return shape.length >= 2 && shape[0] === 1 && size(shape) === shape[1];
}

function chosenOutput(graph: Graph, { output, where = "model" }: OnnxModelOptions, notes: string[]): Value {
  const shown = Object.entries(graph.outputs).map(([name, { shape }]) => `${JSON.stringify(name)} ${formatShape(shape)}`);
  if (output !== undefined && !Object.hasOwn(graph.outputs, output))
    throw new OptionError(`${where}: no output ${JSON.stringify(output)}; it has ${shown.join(", ")}`);
  const named = output === undefined ? (graph.outputs.logits ?? Object.values(graph.outputs).find(isVector)) : graph.outputs[output];
  if (!named || !isVector(named))
    throw new FormatError(`${where}: the network gives ${shown.join(", ")}; a model gives one number a label, [1, labels]`);
  if (shown.length > 1) notes.push(`of ${shown.length} outputs, one is kept: ${formatShape(named.shape)}`);
  return named;
}

/** Logits behind their probabilities: choosing needs no softmax, and `classify` takes its own. */
function logitsOf(value: Value, notes: string[]): Value {
  let inner = value;
  for (let view = applicationOf(reshape, inner); view; view = applicationOf(reshape, inner)) [inner] = view.node.inputs;
  const last = applicationOf(softmax, inner);
  if (!last) return value;
  notes.push("the softmax at the end is left to classification");
  return last.node.inputs[0];
}

/** The graph under the names that models use, from images to logits alone. */
function renamed(graph: Graph, logits: Value): Graph {
  const g = graphScope();
  const [input] = graph.leaves.filter(({ kind }) => kind === "input");
  const kept = removeDead({ ...graph, outputs: { logits } });
  const { logits: found } = graft(g, kept, { [input.name as string]: g.input("image", input.shape) });
  const flat = [1, size(found.shape)];
  g.output("logits", isSameShape(found.shape, flat) ? found : reshape(g, [found], { shape: flat }));
  return g.finish();
}

/** Members of a JSON text of the file's metadata; undefined where it is absent. */
function metadataOf({ metadata }: OnnxNetwork, key: string, where: string): StrictJson | undefined {
  const text = metadata.get(key);
  return text === undefined ? undefined : parseStrictJson(text, `${where}: metadata ${JSON.stringify(key)}`);
}

function labelsOf(network: OnnxNetwork, count: number, { labels, where = "model" }: OnnxModelOptions, notes: string[]): readonly string[] {
  const stated = labels ?? metadataOf(network, "labels", where);
  if (stated === undefined) {
    notes.push(`the file names no labels; they are called 0 to ${count - 1} (--labels FILE)`);
    return Array.from({ length: count }, (_, i) => String(i));
  }
  const areTexts = Array.isArray(stated) && stated.every((label) => typeof label === "string");
  if (!areTexts || stated.length !== count) {
    const text = `${where}: ${Array.isArray(stated) ? `${stated.length} labels` : "no list of texts"} for a network of ${count} outputs`;
    throw labels ? new OptionError(text) : new FormatError(text);
  }
  return stated as readonly string[];
}

function preprocessingOf(network: OnnxNetwork, side: number, channels: 1 | 3, options: OnnxModelOptions, notes: string[]): Preprocessing {
  const { preprocessing = {}, where = "model" } = options;
  const stated = metadataOf(network, "preprocessing", where);
  const usual = stated instanceof Map ? Object.fromEntries(stated) : preprocessingFor({ size: side, channels, fit: "crop" });
  if (!stated && !(preprocessing.mean && preprocessing.std))
    notes.push("the file does not say how pixels become numbers; mean and deviation of photographs are assumed (--mean, --std)");
  return checkPreprocessing({ ...usual, ...preprocessing, size: side, channels });
}

/** A model of what an ONNX file holds: one square image to one number a label. */
export function modelFromOnnx(network: OnnxNetwork, options: OnnxModelOptions = {}): ImportedModel {
  const { where = "model" } = options;
  const notes: string[] = [];
  const inputs = network.graph.leaves.filter(({ kind }) => kind === "input");
  const [{ shape }] = inputs;
  const [n, channels, height, width] = shape;
  const isImage = inputs.length === 1 && shape.length === 4 && n === 1 && (channels === 1 || channels === 3) && height === width;
  if (!isImage)
    throw new FormatError(
      `${where}: the network reads ${inputs.map((input) => formatShape(input.shape)).join(", ")}; a model reads one square image, [1, 1 or 3, s, s]`,
    );
  const graph = renamed(network.graph, logitsOf(chosenOutput(network.graph, options, notes), notes));
  const { weights } = network;
  const names = graph.leaves.filter(({ kind }) => kind !== "input").map(({ name }) => name as string);
  const model: Model = {
    network: options.name ?? (network.name || "imported"),
    options: {},
    graph: graphRecord(graph),
    labels: labelsOf(network, graph.outputs.logits.shape[1], options, notes),
    preprocessing: preprocessingOf(network, height, channels as 1 | 3, options, notes),
    weights: new Map(names.map((name) => [name, weights.get(name) as NonNullable<ReturnType<typeof weights.get>>])),
    provenance: { imported: "onnx", producer: network.producer },
    metrics: {},
  };
  return { model, notes };
}

/** Numbers of an exported model. */
export type OnnxPrecision = "float32" | "int8";

/** The bytes of an ONNX model: labels and preprocessing go into its metadata. A quantised model is written in integers, and only so. */
export async function modelToOnnx(model: Model, precision: OnnxPrecision = model.quantisation ? "int8" : "float32"): Promise<Uint8Array> {
  const { network, labels, preprocessing, quantisation, weights } = model;
  if ((precision === "int8") !== (quantisation !== undefined)) {
    const remedy = quantisation ? "export the float model that it came from" : "quantise it first (goldcrest quantize)";
    throw new OptionError(`the model's numbers are ${quantisation ? "int8" : "float32"}, asked for is ${precision}; ${remedy}`);
  }
  const metadata = { labels: JSON.stringify(labels), preprocessing: JSON.stringify(preprocessing) };
  const [{ encodeGraphAsOnnx }, { integerForm }] = await Promise.all([import("../formats/onnx/encode.ts"), import("./onnxIntegers.ts")]);
  if (!quantisation) return encodeGraphAsOnnx(modelGraph(model), weights, { name: network, metadata });
  const { folded, integer } = foldedIntegers(modelGraph(model), quantisation);
  return encodeGraphAsOnnx(folded, weights, { name: network, metadata, form: integerForm(folded, integer, weights) });
}
