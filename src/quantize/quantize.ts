import type { Value } from "../ir/graph.ts";
import type { Range } from "../ir/integer.ts";
import type { Weighted } from "../passes/foldConstants.ts";
import { type IntegerGraph, toInteger } from "../passes/toInteger.ts";
import { integerWeights, type MeansOf } from "./filters.ts";

/** An integer graph with its weights. */
export interface Quantized extends IntegerGraph, Weighted {}

/** A folded graph and its weights in integers, for activations within the given ranges. */
export function quantizeGraph(
  { graph, weights }: Weighted,
  ranges: ReadonlyMap<Value, Range>,
  { meansOf, isObserved }: { readonly meansOf?: MeansOf; readonly isObserved?: boolean } = {},
): Quantized {
  const integer = toInteger(graph, ranges, { isObserved });
  const all = new Map([...weights, ...integerWeights(integer.filters, weights, meansOf)]);
  const names = new Set(integer.graph.leaves.map(({ name }) => name));
  return { ...integer, weights: new Map([...all].filter(([name]) => names.has(name))) };
}
