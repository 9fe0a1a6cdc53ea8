/** The model file: a safetensors file with everything needed to use it in its metadata. Any safetensors reader opens it. */
import { FormatError } from "../core/errors.ts";
import type { NumericArray, Tensor } from "../core/tensor.ts";
import { elementsAsFloat32, type StoredTensor } from "./safetensors.ts";
import { seal, unseal } from "./sealedFile.ts";

/** What a model file holds beside its weights; all of it plain JSON. */
export interface ModelCard {
  /** The network's registered name and the options that it is built with (its class count is the number of labels). */
  readonly network: { readonly name: string; readonly options: Readonly<Record<string, unknown>> };
  /** The network itself, where its name is none of ours: a record of `graphRecord`. */
  readonly graph?: unknown;
  /** Class names, in the order of the logits. */
  readonly labels: readonly string[];
  /** How pixels become the input; the data folder's record. */
  readonly preprocessing: unknown;
  /** Where it comes from: data set and its hash, recipe, seed, version, time. */
  readonly provenance: Readonly<Record<string, unknown>>;
  /** Measured once, on the part named in each. */
  readonly metrics: Readonly<Record<string, unknown>>;
  /** How the weights became integers, for a model that has been quantised. */
  readonly quantisation?: unknown;
}

/** A model file in memory: its card and its weights by our names. */
export interface ModelFile extends ModelCard {
  readonly weights: ReadonlyMap<string, Tensor>;
}

const KEY = "goldcrest.model";
/** Of the card; also of the one in a folder for PyTorch. */
export const CARD_VERSION = 1;

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The bytes of a model file. */
export async function encodeModel({
  weights,
  ...card
}: ModelCard & { readonly weights: ReadonlyMap<string, Tensor<NumericArray>> }): Promise<Uint8Array> {
  return seal(KEY, { version: CARD_VERSION, ...card }, weights);
}

/** Where the first infinity or NaN stands, or −1: of all numbers these alone are not 0 when taken from themselves. */
function firstNotFinite(data: Float32Array): number {
  for (let i = 0; i < data.length; i++) if (data[i] - data[i] !== 0) return i;
  return -1;
}

/** Reads a model file; throws FormatError where it is not one of ours, torn, altered or incomplete. */
export async function decodeModel(file: Uint8Array, where = "model"): Promise<ModelFile> {
  const { content, tensors } = await unseal(KEY, "a Goldcrest model", file, where);
  return checkModel(content, tensors, where);
}

/** A card and its tensors as a model file; throws FormatError where one of them is unusable. */
export function checkModel(content: unknown, tensors: ReadonlyMap<string, StoredTensor>, where: string): ModelFile {
  const refuse = (field: string, needed: string): never => {
    throw new FormatError(`${where}: the card's ${field} is unusable; it needs ${needed}`);
  };
  if (!isRecord(content)) return refuse("document", "to be an object");
  const { version, network, graph, labels, preprocessing, provenance, metrics, quantisation } = content;
  if (version !== CARD_VERSION)
    throw new FormatError(`${where}: a model file of version ${String(version)}; this release reads version ${CARD_VERSION}`);
  if (!isRecord(network) || typeof network.name !== "string" || !isRecord(network.options)) return refuse("network", "a name and options");
  const areLabels = Array.isArray(labels) && labels.length > 0 && labels.every((label) => typeof label === "string");
  if (!areLabels) return refuse("labels", "a list of at least one text");
  if (!isRecord(preprocessing)) return refuse("preprocessing", "a record");
  const weights = new Map([...tensors].map(([name, stored]) => [name, elementsAsFloat32(stored)]));
  for (const [name, { data }] of weights) {
    const at = firstNotFinite(data);
    if (at >= 0) throw new FormatError(`${where}: element ${at} of the weight "${name}" is ${data[at]}; a model's weights are finite`);
  }
  return {
    network: { name: network.name, options: network.options },
    ...(graph === undefined ? {} : { graph }),
    labels: labels as readonly string[],
    preprocessing,
    provenance: isRecord(provenance) ? provenance : {},
    metrics: isRecord(metrics) ? metrics : {},
    ...(quantisation === undefined ? {} : { quantisation }),
    weights,
  };
}
