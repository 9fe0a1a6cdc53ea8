/** A model: a network of the zoo with its weights, its labels and the way from pixels to its input. */
import { FormatError, OptionError } from "../core/errors.ts";
import { formatShape, isSameShape } from "../core/shape.ts";
import { checkPreprocessing, type Preprocessing } from "../data/preprocessing.ts";
import type { Weights } from "../engine/session.ts";
import { decodeModel, encodeModel } from "../formats/modelFile.ts";
import { type Graph, leavesOf } from "../ir/graph.ts";
import { buildNetwork, type NetworkOptions } from "../networks/index.ts";

/** A trained network, ready to be compiled, saved or evaluated. */
export interface Model {
  readonly network: string;
  readonly options: NetworkOptions;
  /** Class names, in the order of the logits. */
  readonly labels: readonly string[];
  readonly preprocessing: Preprocessing;
  readonly weights: Weights;
  readonly provenance: Readonly<Record<string, unknown>>;
  readonly metrics: Readonly<Record<string, unknown>>;
}

/** The model's graph for so many images a run: "image" [batch, channels, size, size] → "logits" [batch, labels]. */
export function modelGraph(
  { network, options, labels, preprocessing }: Pick<Model, "network" | "options" | "labels" | "preprocessing">,
  batch = 1,
): Graph {
  const { size, channels } = preprocessing;
  return buildNetwork(network, { ...options, classes: labels.length, batch, size, channels });
}

/** The bytes of a model file. */
export async function saveModel({ network, options, ...rest }: Model): Promise<Uint8Array> {
  return encodeModel({ network: { name: network, options: { ...options } }, ...rest });
}

/** Reads a model file and checks that its network exists and that its weights are that network's; `where` begins every error. */
export async function loadModel(file: Uint8Array, where = "model"): Promise<Model> {
  const { network, preprocessing: record, ...rest } = await decodeModel(file, where);
  try {
    const preprocessing = checkPreprocessing(record);
    const model: Model = { ...rest, network: network.name, options: network.options, preprocessing };
    checkWeights(model, where);
    return model;
  } catch (cause) {
    if (cause instanceof OptionError) throw new FormatError(`${where}: ${cause.message}`, { cause });
    throw cause;
  }
}

function checkWeights(model: Model, where: string): void {
  const graph = modelGraph(model);
  const needed = [...leavesOf(graph, "parameter"), ...leavesOf(graph, "state")];
  for (const { name = "", shape } of needed) {
    const held = model.weights.get(name);
    if (!held) throw new FormatError(`${where}: lacks the weight "${name}" ${formatShape(shape)} of ${model.network}`);
    if (!isSameShape(held.shape, shape)) {
      throw new FormatError(`${where}: "${name}" is ${formatShape(held.shape)}, ${model.network} needs ${formatShape(shape)}`);
    }
  }
  const names = new Set(needed.map(({ name }) => name));
  for (const name of model.weights.keys())
    if (!names.has(name)) throw new FormatError(`${where}: "${name}" is no weight of ${model.network}`);
}
