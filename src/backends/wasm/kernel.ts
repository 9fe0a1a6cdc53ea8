/**
 * How an op becomes steps. A lowering looks at a node and returns the kernel calls that compute it; undefined means that it has no
 * kernel for this case, and the node runs on the float64 reference. Memory is named by symbolic pointers until the plan has placed it.
 */

import type { Node, Value } from "../../ir/graph.ts";
import type { OpName } from "../../ops/index.ts";
import type { Fields, KernelSource } from "./module.ts";

/** A place in the arena: a region that the plan will position, and a byte offset inside it. */
export interface Pointer {
  readonly region: number;
  readonly offset: number;
}

/** A pointer some bytes further. */
export function shifted(pointer: Pointer, bytes: number): Pointer {
  return { region: pointer.region, offset: pointer.offset + bytes };
}

/** One kernel call: threads share the units; each unit writes its own part of the outputs and nothing else. */
export interface Step {
  readonly kernel: KernelSource;
  readonly units: number;
  readonly args: Readonly<Record<string, number | Pointer>>;
}

/** A kernel call with its arguments checked against the kernel's fields. */
export function step<F extends Fields>(kernel: KernelSource<F>, units: number, args: { readonly [K in keyof F]: number | Pointer }): Step {
  return { kernel: kernel as unknown as KernelSource, units, args: args as Step["args"] };
}

/** What a lowering may ask of the plan. */
export interface LowerContext {
  /** The buffer of a value (layout.ts tells how its elements lie). */
  at(value: Value): Pointer;
  /** True for buffers in weight layout. */
  isWeight(value: Value): boolean;
  /** True for stored weights that no run changes, in sessions that may round more freely than the products as written (`OpenOptions.exact`). */
  isFixed(value: Value): boolean;
  /** Memory that lives only during this node's steps. */
  scratch(floats: number): Pointer;
  /**
   * Memory derived from a stored value (packed weights), shared by every node that asks with the same key. `steps` fills it; they run
   * when weights are loaded and, where the graph updates that value, at the start of every run.
   */
  prepared(key: string, source: Value, floats: number, steps: (target: Pointer) => readonly Step[]): Pointer;
  /** Threads that will share the work, to size partial results; results must not depend on it. One thread may do its units in several calls. */
  readonly threads: number;
}

/** The steps of one node, or undefined where this case has no kernel. */
export type Lower = (node: Node, context: LowerContext) => readonly Step[] | undefined;

/** One entry per op that has kernels; a misspelt name does not compile. */
export type KernelTable = Readonly<Partial<Record<OpName, Lower>>>;
