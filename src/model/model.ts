/** A model: a network of the zoo with its weights, its labels and the way from pixels to its input. */
import { FormatError, OptionError } from "../core/errors.ts";
import { formatShape, isSameShape } from "../core/shape.ts";
import type { NumericArray, Tensor } from "../core/tensor.ts";
import { checkPreprocessing, type Preprocessing } from "../data/preprocessing.ts";
import type { Weights } from "../engine/session.ts";
import { decodeModel, encodeModel, type ModelFile } from "../formats/modelFile.ts";
import { leavesOf } from "../ir/graph.ts";
import type { NetworkOptions } from "../networks/index.ts";
import { filterFault } from "../quantize/checkFilters.ts";
import { modelGraph } from "./modelGraph.ts";
import { checkQuantisation, integerGraphOf, type Quantisation } from "./runnable.ts";

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
  /** Present where the weights are integers. */
  readonly quantisation?: Quantisation;
}

/** Weights as a file stores them: integers in as few bytes as hold them. */
function storedWeights(model: Model): ReadonlyMap<string, Tensor<NumericArray>> {
  const { quantisation, weights } = model;
  if (!quantisation) return weights;
  const stored = new Map<string, Tensor<NumericArray>>(weights);
  const shrink = (name: string, to: (data: Float32Array) => NumericArray): void => {
    const { shape, data } = weights.get(name) as Tensor;
    stored.set(name, { shape, data: to(data) });
  };
  for (const { leaves } of integerGraphOf(model, quantisation).filters) {
    shrink(leaves.weight, (data) => Int8Array.from(data));
    if (leaves.kind === "narrow") for (const name of [leaves.bias, leaves.factor]) shrink(name, (data) => Int32Array.from(data));
  }
  return stored;
}

/** The bytes of a model file. */
export async function saveModel(model: Model): Promise<Uint8Array> {
  const { network, options, ...rest } = model;
  return encodeModel({ network: { name: network, options: { ...options } }, ...rest, weights: storedWeights(model) });
}

/** Reads a model file and checks that its network exists and that its weights are that network's; `where` begins every error. */
export async function loadModel(file: Uint8Array, where = "model"): Promise<Model> {
  return modelOf(await decodeModel(file, where), where);
}

/** The model of a file's contents, checked against its network. */
export function modelOf({ network, preprocessing: record, quantisation, ...rest }: ModelFile, where: string): Model {
  try {
    const preprocessing = checkPreprocessing(record);
    const integers = quantisation === undefined ? {} : { quantisation: checkQuantisation(quantisation) };
    const model: Model = { ...rest, network: network.name, options: network.options, preprocessing, ...integers };
    checkWeights(model, where);
    return model;
  } catch (cause) {
    if (cause instanceof OptionError) throw new FormatError(`${where}: ${cause.message}`, { cause });
    throw cause;
  }
}

function checkWeights(model: Model, where: string): void {
  const integer = model.quantisation && integerGraphOf(model, model.quantisation);
  const graph = integer?.graph ?? modelGraph(model);
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
  const fault = integer && filterFault(integer.filters, model.weights);
  if (fault) throw new FormatError(`${where}: ${fault}`);
}
