/** Models in integers: what their files say of it, and the graph that follows. */
import { OptionError } from "../core/errors.ts";
import { type Tensor, zeros } from "../core/tensor.ts";
import type { Weights } from "../engine/session.ts";
import type { Graph, Value } from "../ir/graph.ts";
import type { Range } from "../ir/integer.ts";
import { fold } from "../passes/index.ts";
import { type FilterTask, type IntegerGraph, toInteger } from "../passes/toInteger.ts";
import { filterFault } from "../quantize/checkFilters.ts";

/** How a model's weights became integers: the range of every activation of its folded graph, by key. Plain JSON. */
export interface Quantisation {
  /** How the ranges were chosen, and from how many images. */
  readonly method: string;
  readonly images: number;
  readonly ranges: Readonly<Record<string, readonly [low: number, high: number]>>;
}

/** A stable name for each activation: inputs by their own, computed values by place and op, counted where there are several. */
export function activationKeys(graph: Graph): ReadonlyMap<string, Value> {
  const keys = new Map<string, Value>();
  for (const leaf of graph.leaves) if (leaf.kind === "input") keys.set(leaf.name as string, leaf);
  for (const { op, scope, outputs } of graph.nodes) {
    for (const value of outputs) {
      const base = `${scope}:${op.name}`;
      let key = base;
      for (let i = 2; keys.has(key); i++) key = `${base}.${i}`;
      keys.set(key, value);
    }
  }
  return keys;
}

/** Reads the record of a model file; refuses what is none. */
function checkQuantisation(record: unknown): Quantisation {
  const { method, images, ranges } = (record ?? {}) as Partial<Quantisation>;
  const isRange = (range: unknown): boolean =>
    Array.isArray(range) && range.length === 2 && range.every(Number.isFinite) && range[0] <= range[1];
  if (typeof method !== "string" || typeof images !== "number")
    throw new OptionError("quantisation: needs a method and a number of images");
  const entries = typeof ranges === "object" && ranges !== null ? Object.entries(ranges) : [];
  const wrong = entries.find(([, range]) => !isRange(range));
  if (entries.length === 0 || wrong) throw new OptionError(`quantisation.ranges: ${wrong ? `"${wrong[0]}" is no range` : "found none"}`);
  return { method, images, ranges: Object.fromEntries(entries) };
}

/** Weights of no meaning: structure does not depend on them. */
function placeholders(graph: Graph): Weights {
  const stored = graph.leaves.filter(({ kind }) => kind === "parameter" || kind === "state");
  return new Map(stored.map(({ name = "", shape }) => [name, zeros(shape)]));
}

/** What a float graph is when it is folded, and what that is in integers. */
export function foldedIntegers(graph: Graph, { ranges }: Quantisation): { readonly folded: Graph; readonly integer: IntegerGraph } {
  const folded = fold(graph, placeholders(graph)).graph;
  const known = new Map<Value, Range>();
  for (const [key, value] of activationKeys(folded)) {
    const range = ranges[key];
    if (!range) throw new OptionError(`quantisation.ranges: lacks "${key}"`);
    known.set(value, { low: range[0], high: range[1] });
  }
  return { folded, integer: toInteger(folded, known) };
}

/** What a program carries to open quantised models. */
export interface IntegerForm {
  /** Reads the record of a model file; refuses what is none. */
  readonly check: (record: unknown) => Quantisation;
  readonly graph: (graph: Graph, quantisation: Quantisation) => IntegerGraph;
  /** What is wrong with the integer weights, or nothing. */
  readonly fault: (filters: readonly FilterTask[], weights: ReadonlyMap<string, Tensor>) => string | undefined;
}

export const integerForm: IntegerForm = {
  check: checkQuantisation,
  graph: (...from) => foldedIntegers(...from).integer,
  fault: filterFault,
};
