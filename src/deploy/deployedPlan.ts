/**
 * The plan of a compiled file. A session keeps its weights as they were given, because they may be replaced; a file reads each one once, when it is loaded:
 * its steps first expand and pack one stored value after the other, and what only they need shares its memory with the activations.
 *
 *   arena = what every run reads (packed weights, biases) | what the steps of loading and of a run need for a while
 */

import type { Pointer, Step } from "../backends/wasm/kernel.ts";
import { kernels } from "../backends/wasm/kernels/index.ts";
import type { Layout } from "../backends/wasm/layout.ts";
import { plan } from "../backends/wasm/plan.ts";
import { EngineError, InternalError } from "../core/errors.ts";
import { lowerBound, placeRegions, type Region } from "../engine/memory.ts";
import type { Weights } from "../engine/session.ts";
import { dtypeOf, type Graph, type Value } from "../ir/graph.ts";
import { type Stored, storeTensor, type WeightFormat } from "./stored.ts";

/** One stored value: its bytes go to `at`, then steps [first, last) expand and pack it. */
export interface StoredValue {
  readonly stored: Stored;
  readonly at: Pointer;
  readonly first: number;
  readonly last: number;
}

/** A placed step list: loading first, then a run from step `loaded` on. */
export interface DeployedPlan {
  readonly steps: readonly Step[];
  readonly values: readonly StoredValue[];
  readonly loaded: number;
  readonly bytes: number;
  /** Where the part begins that holds nothing between runs. */
  readonly transient: number;
  readonly lowerBound: number;
  address(pointer: Pointer): number;
  pointer(value: Value): Pointer;
  layout(value: Value): Layout;
}

const pointersOf = ({ args }: Step): Pointer[] => Object.values(args).filter((each) => typeof each !== "number");

function dataOf(leaf: Value, weights: Weights): Float32Array {
  const data = leaf.data ?? weights.get(leaf.name as string)?.data;
  if (!data) throw new EngineError(`the weights lack "${leaf.name}"`);
  return data;
}

/** Plans an optimised graph for a file. */
export function deployedPlan(graph: Graph, weights: Weights, format: WeightFormat): DeployedPlan {
  const planned = plan(graph, kernels, { threads: 1, exact: false });
  if (planned.fallbacks.length > 0) {
    const names = [...new Set(planned.fallbacks.map(({ op, scope }) => `${op.name} at "${scope}"`))];
    throw new EngineError(`cannot be compiled: the engine has no kernel for ${names.join(", ")}`);
  }
  if (graph.updates.length > 0) throw new EngineError("cannot be compiled: a run of this graph replaces its weights");
  const sizes = planned.regions.map(({ bytes }) => bytes);
  const run = planned.steps.slice(planned.prepared);
  const steps: Step[] = [];
  const values: StoredValue[] = [];
  const isRead = new Set(planned.steps.flatMap(pointersOf).map(({ region }) => region));
  for (const value of Object.values(graph.outputs)) isRead.add(planned.pointer(value).region);
  for (const leaf of graph.leaves) {
    const target = leaf.kind === "input" ? undefined : planned.pointer(leaf);
    if (!target || !isRead.has(target.region)) continue;
    const stored = storeTensor(dataOf(leaf, weights), leaf.shape, planned.layout(leaf), dtypeOf(leaf), format);
    const first = steps.length;
    const at = stored.expand ? { region: sizes.push(stored.bytes.length) - 1, offset: 0 } : target;
    if (stored.expand) steps.push(...stored.expand(at, target));
    for (const load of planned.loads) if (load.source === leaf) steps.push(...planned.steps.slice(load.first, load.last));
    values.push({ stored, at, first, last: steps.length });
  }
  const places = place(graph, sizes, values, steps, run, (value) => planned.pointer(value).region);
  const { pointer, layout } = planned;
  return { steps: [...steps, ...run], values, loaded: steps.length, pointer, layout, ...places };
}

type Places = Pick<DeployedPlan, "bytes" | "transient" | "lowerBound" | "address">;

/** Times: value i is loaded at i, step j of a run happens at (values + j). What loading leaves for the runs is kept for good. */
function place(
  graph: Graph,
  sizes: readonly number[],
  values: readonly StoredValue[],
  loading: readonly Step[],
  run: readonly Step[],
  regionOf: (value: Value) => number,
): Places {
  const end = values.length + run.length;
  const lives = new Map<number, { from: number; to: number }>();
  const use = (region: number, time: number): void => {
    const { from, to } = lives.get(region) ?? { from: time, to: time };
    lives.set(region, { from: Math.min(from, time), to: Math.max(to, time) });
  };
  values.forEach(({ at, first, last }, time) => {
    use(at.region, time);
    for (const { region } of loading.slice(first, last).flatMap(pointersOf)) use(region, time);
  });
  run.forEach((step, j) => {
    for (const { region } of pointersOf(step)) use(region, values.length + j);
  });
  for (const leaf of graph.leaves) if (leaf.kind === "input") use(regionOf(leaf), values.length);
  for (const value of Object.values(graph.outputs)) use(regionOf(value), end);

  const offsets = new Map<number, number>();
  let transient = 0;
  const passing: number[] = [];
  for (const [region, { from, to }] of lives) {
    const isKept = from < values.length && to >= values.length;
    if (!isKept) passing.push(region);
    else {
      offsets.set(region, transient);
      transient += Math.ceil(sizes[region] / 64) * 64;
    }
  }
  const regions = passing.map((region): Region => ({ bytes: sizes[region], ...(lives.get(region) as { from: number; to: number }) }));
  const placement = placeRegions(regions);
  passing.forEach((region, i) => {
    offsets.set(region, transient + placement.offsets[i]);
  });
  const address = ({ region, offset }: Pointer): number => {
    const at = offsets.get(region);
    if (at === undefined) throw new InternalError(`region ${region} has no place in the compiled file`);
    return at + offset;
  };
  return { bytes: transient + placement.bytes, transient, lowerBound: transient + lowerBound(regions), address };
}
