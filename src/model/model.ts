/** A model: a network of the zoo with its weights, its labels and the way from pixels to its input. */
import type { NumericArray, Tensor } from "../core/tensor.ts";
import type { Preprocessing } from "../data/preprocessing.ts";
import type { Weights } from "../engine/session.ts";
import type { GraphRecord } from "../formats/graphRecord.ts";
import { encodeModel } from "../formats/modelFile.ts";
import type { NetworkOptions } from "../networks/index.ts";
import { integerGraphOf, readModel } from "./carried.ts";
import type { Quantisation } from "./integerForm.ts";
import { zoo } from "./zoo.ts";

/** A trained network, ready to be compiled, saved or evaluated. */
export interface Model {
  readonly network: string;
  readonly options: NetworkOptions;
  /** The network itself, where it comes from elsewhere: for one image, "image" → "logits". The name is then only a name. */
  readonly graph?: GraphRecord;
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
  for (const { leaves } of integerGraphOf(zoo, model, quantisation).filters) {
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
export function loadModel(file: Uint8Array, where = "model"): Promise<Model> {
  return readModel(zoo, file, where);
}
