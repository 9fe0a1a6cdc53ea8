import type { Graph } from "../../ir/graph.ts";
import { kernels } from "./kernels/index.ts";
import { plan } from "./plan.ts";

/** What a session of a graph takes, bytes. */
export interface MemoryPlan {
  /** Everything. */
  readonly arena: number;
  /** The most that is alive at one time: no placement can need less. */
  readonly lowerBound: number;
  /** Parameters, states and constants as they were given. */
  readonly weights: number;
  /** Copies of them that are packed for the kernels. */
  readonly packed: number;
}

/** Plans a graph, optimised before, for one thread, and allocates nothing. */
export function planMemory(graph: Graph): MemoryPlan {
  const { bytes, lowerBound, regions, loads, steps, pointer } = plan(graph, kernels, { threads: 1, exact: false });
  const stored = new Set(graph.leaves.filter(({ kind }) => kind !== "input").map((leaf) => pointer(leaf).region));
  const named = loads.flatMap(({ first, last }) => steps.slice(first, last).flatMap(({ args }) => Object.values(args)));
  const packed = new Set(named.flatMap((each) => (typeof each === "number" || stored.has(each.region) ? [] : [each.region])));
  const sum = (ids: ReadonlySet<number>): number => [...ids].reduce((total, id) => total + regions[id].bytes, 0);
  return { arena: bytes, lowerBound, weights: sum(stored), packed: sum(packed) };
}
