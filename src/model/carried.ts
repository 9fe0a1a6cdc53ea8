/**
 * Opening a model with what a program carries: all of the zoo (zoo.ts) or the parts that a page names (parts.ts). Nothing here names a network or the
 * integers, so that a bundle holds what was asked for and no more.
 */
import { FormatError, OptionError } from "../core/errors.ts";
import { formatShape, isSameShape } from "../core/shape.ts";
import { checkPreprocessing } from "../data/preprocessing.ts";
import type { GraphRecord } from "../formats/graphRecord.ts";
import { decodeModel, type ModelFile } from "../formats/modelFile.ts";
import { type Graph, leavesOf } from "../ir/graph.ts";
import { networkGraph, networkNamed } from "../networks/build.ts";
import type { Network } from "../networks/network.ts";
import type { Weighted } from "../passes/foldConstants.ts";
import { optimise } from "../passes/index.ts";
import type { IntegerGraph } from "../passes/toInteger.ts";
import type { IntegerForm, Quantisation } from "./integerForm.ts";
import type { Model } from "./model.ts";

/** What models can be opened. */
export interface Carried {
  /** By name. */
  readonly networks: Readonly<Record<string, Network>>;
  /** Absent: quantised models are refused. */
  readonly integers?: IntegerForm;
  /** Absent: models whose graph lies in the file are refused. */
  readonly stored?: (model: Blueprint, batch: number) => Graph;
}

/** What a model's graph follows from. */
export type Blueprint = Pick<Model, "network" | "options" | "graph" | "labels" | "preprocessing">;

/** The model's graph for so many images a run: "image" [batch, channels, size, size] → "logits" [batch, labels]. */
export function graphOf({ networks, stored }: Carried, model: Blueprint, batch = 1): Graph {
  const { network, options, graph, labels, preprocessing } = model;
  if (graph && !stored)
    throw new OptionError("the model's network lies in its file, and this program reads none; open it with `imported`, too");
  if (graph && stored) return stored(model, batch);
  const { size, channels } = preprocessing;
  return networkGraph(networkNamed(networks, network), { ...options, classes: labels.length, batch, size, channels });
}

function integersOf({ integers }: Carried): IntegerForm {
  if (!integers) throw new OptionError("the model is in integers, and this program carries floats only; open it with `integers`, too");
  return integers;
}

/** The integer graph of a quantised model, for so many images a run. */
export function integerGraphOf(carried: Carried, model: Blueprint, quantisation: Quantisation, batch = 1): IntegerGraph {
  return integersOf(carried).graph(graphOf(carried, model, batch), quantisation);
}

/** What a backend opens to run a model on so many images: floats, folded and fused, or integers. */
export function runnableOf(carried: Carried, model: Model, batch = 1): Weighted {
  const { quantisation, weights } = model;
  if (quantisation) return { graph: integerGraphOf(carried, model, quantisation, batch).graph, weights };
  return optimise(graphOf(carried, model, batch), weights);
}

/** Reads a model file and checks that its network is carried and that its weights are that network's; `where` begins every error. */
export async function readModel(carried: Carried, file: Uint8Array, where: string): Promise<Model> {
  return modelOf(carried, await decodeModel(file, where), where);
}

/** The model of a file's contents, checked in the same way. */
export function modelOf(
  carried: Carried,
  { network, graph, preprocessing: record, quantisation, ...rest }: ModelFile,
  where: string,
): Model {
  try {
    const preprocessing = checkPreprocessing(record);
    const integers = quantisation === undefined ? {} : { quantisation: integersOf(carried).check(quantisation) };
    // What the record holds, whoever builds the graph checks.
    const own = graph === undefined ? {} : { graph: graph as GraphRecord };
    const model: Model = { ...rest, network: network.name, options: network.options, ...own, preprocessing, ...integers };
    checkWeights(carried, model, where);
    return model;
  } catch (cause) {
    if (cause instanceof OptionError) throw new FormatError(`${where}: ${cause.message}`, { cause });
    throw cause;
  }
}

function checkWeights(carried: Carried, model: Model, where: string): void {
  const integer = model.quantisation && integerGraphOf(carried, model, model.quantisation);
  const graph = integer?.graph ?? graphOf(carried, model);
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
  const fault = integer && integersOf(carried).fault(integer.filters, model.weights);
  if (fault) throw new FormatError(`${where}: ${fault}`);
}
