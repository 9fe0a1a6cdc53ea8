/** A model in integers, with the error of each layer. */
import { wasmBackend } from "../backends/wasm/index.ts";
import type { Tensor } from "../core/tensor.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Backend } from "../engine/session.ts";
import type { Node } from "../ir/graph.ts";
import type { Quantised, Range } from "../ir/integer.ts";
import { integerRuleOf } from "../ops/integerRules.ts";
import { removeDead } from "../passes/removeDead.ts";
import { observedName } from "../passes/toInteger.ts";
import { partsOf } from "../quantize/calibrate.ts";
import {
  BATCH,
  type Calibrated,
  calibrateModel,
  outputsOf,
  type QuantizeOptions,
  quantizedBy,
  relativeError,
  type Way,
} from "./calibrateModel.ts";
import { activationKeys, type Quantisation } from "./integerForm.ts";
import type { Model } from "./model.ts";

/** How far one layer's integers are from the floats they stand for: root mean square of the difference over that of the floats. */
export interface LayerError {
  readonly scope: string;
  readonly op: string;
  readonly error: number;
}

/** A quantised model and how it came about. */
export interface QuantizedModel {
  readonly model: Model;
  /** The way that was chosen, among those that were tried, and the relative error of the logits by each. */
  readonly method: string;
  readonly tried: Readonly<Record<string, number>>;
  readonly images: number;
  readonly layers: readonly LayerError[];
  /** Nodes that have no integer form and stayed float. */
  readonly floats: readonly { readonly op: string; readonly scope: string }[];
}

/** How far the integers of each layer are from the floats, on a few images. */
async function layerErrors(way: Way, images: readonly Tensor[], backend: Backend): Promise<readonly LayerError[]> {
  const { folded } = way;
  const integer = quantizedBy(way, true);
  const shown = folded.graph.nodes
    .filter(({ op, outputs: [value] }) => integer.quantised.has(value) && !integerRuleOf(op)?.isKept)
    .map(({ outputs: [value] }) => value);
  const errors: LayerError[] = [];
  for (const part of partsOf(shown, MOST_ELEMENTS)) {
    const named = Object.fromEntries(part.map((value) => [observedName(value), value]));
    const integers = Object.fromEntries(Object.keys(named).map((name) => [name, integer.graph.outputs[name]]));
    const found = await outputsOf({ ...integer, graph: removeDead({ ...integer.graph, outputs: integers }) }, images, backend);
    const wanted = await outputsOf({ ...folded, graph: removeDead({ ...folded.graph, outputs: named }) }, images, backend);
    for (const [name, value] of Object.entries(named)) {
      const { scale, zero } = integer.quantised.get(value) as Quantised;
      const pairs = found.map((run, i) => [run[name].data.map((q) => (q - zero) * scale), wanted[i][name].data] as const);
      const { scope, op } = value.producer as Node;
      errors.push({ scope, op: op.name, error: relativeError(pairs) });
    }
  }
  return errors;
}

/** Elements of values that are compared at one time. */
const MOST_ELEMENTS = 2 ** 25;
/** Images on which layers are compared. */
const LOOKED_AT = 16 / BATCH;

/** What a model file records of a way. */
export function quantisationOf({ name, folded, ranges }: Way, images: readonly Tensor[]): Quantisation {
  const keyed = [...activationKeys(folded.graph)].map(([key, value]) => {
    const { low, high } = ranges.get(value) as Range;
    return [key, [low, high] as const] as const;
  });
  return { method: name, images: images.length * BATCH, ranges: Object.fromEntries(keyed) };
}

/** A calibrated model in integers by one way. */
export async function quantizeBy(way: Way, model: Model, { tried, images }: Calibrated, backend: Backend): Promise<QuantizedModel> {
  const { weights, floats } = quantizedBy(way);
  const quantisation = quantisationOf(way, images);
  return {
    model: { ...model, weights, quantisation },
    method: way.name,
    tried,
    images: quantisation.images,
    layers: await layerErrors(way, images.slice(0, LOOKED_AT), backend),
    floats: floats.filter(({ op }) => !integerRuleOf(op)?.isKept).map(({ op, scope }) => ({ op: op.name, scope })),
  };
}

/** Turns a float model into integers. */
export async function quantizeModel(model: Model, data: Dataset, options: QuantizeOptions = {}): Promise<QuantizedModel> {
  const calibrated = await calibrateModel(model, data, options);
  return quantizeBy(calibrated.best, model, calibrated, options.backend ?? wasmBackend);
}
