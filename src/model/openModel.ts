/** From the bytes of a model file to a classifier, in a program that carries no more than it opens. */
import type { KernelTable } from "../backends/wasm/kernel.ts";
import { openSession } from "../backends/wasm/session.ts";
import { OptionError } from "../core/errors.ts";
import type { Preprocessing } from "../data/preprocessing.ts";
import type { OpenOptions } from "../engine/session.ts";
import type { Graph } from "../ir/graph.ts";
import { type Carried, readModel, runnableOf } from "./carried.ts";
import { type Classifier, classifierOver } from "./classifierOver.ts";
import type { Part } from "./parts.ts";

/** A classifier, and what its model says of images and labels. */
export interface OpenedModel extends Classifier {
  readonly labels: readonly string[];
  readonly preprocessing: Preprocessing;
}

function carriedBy(parts: readonly Part[]): Carried {
  const networks = parts.flatMap((part) => part.networks ?? []).map((network) => [network.name, network] as const);
  const integers = parts.find((part) => part.integers)?.integers;
  const stored = parts.find((part) => part.stored)?.stored;
  return { networks: Object.fromEntries(networks), ...(integers ? { integers } : {}), ...(stored ? { stored } : {}) };
}

/** Where floats and integers share an op, the kernels of integers serve both: they come last. */
function kernelsOf(parts: readonly Part[]): KernelTable {
  const ordered = parts.toSorted((a, b) => Number(a.integers !== undefined) - Number(b.integers !== undefined));
  return Object.assign({}, ...ordered.map((part) => part.kernels));
}

/** Without its kernel an op would run on its definition, a thousand times slower: no page wants that. */
function needKernels({ nodes }: Graph, kernels: KernelTable): void {
  const lacking = nodes.map(({ op }) => op.name).filter((name) => !Object.hasOwn(kernels, name));
  if (lacking.length === 0) return;
  throw new OptionError(`no part carries kernels for ${[...new Set(lacking)].join(", ")}; open the model with \`floats\`, too`);
}

/** Opens a model file of one of the networks that the parts carry, for one image at a time. Dispose of it after use. */
export async function openModel(file: Uint8Array, parts: readonly Part[], options: OpenOptions = {}): Promise<OpenedModel> {
  const carried = carriedBy(parts);
  const model = await readModel(carried, file, "model");
  const { graph, weights } = runnableOf(carried, model);
  const kernels = kernelsOf(parts);
  needKernels(graph, kernels);
  const { labels, preprocessing } = model;
  return { ...classifierOver(await openSession(graph, weights, kernels, options), model), labels, preprocessing };
}
