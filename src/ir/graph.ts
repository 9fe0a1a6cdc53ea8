import type { DType } from "../core/dtype.ts";
import type { Shape } from "../core/shape.ts";
import type { Op } from "./op.ts";

/** How a stored parameter starts. `fanIn` is the product of shape[1:]. */
export type Init =
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "normal"; readonly std: number }
  | { readonly kind: "uniform"; readonly bound: number };

/** What a value is: given at every run, trained, running statistic, fixed, or computed by a node. */
export type ValueKind = "input" | "parameter" | "state" | "constant" | "computed";

/** A tensor in a graph: a leaf with a name, or output `index` of `producer`. */
export interface Value {
  readonly id: number;
  readonly kind: ValueKind;
  readonly shape: Shape;
  /** Absent: "f32". */
  readonly dtype?: DType;
  /** Leaves only: the weight name or the input name, unique in the graph. */
  readonly name?: string;
  readonly init?: Init;
  /** Constants only: row-major elements. */
  readonly data?: Float32Array;
  readonly producer?: Node;
  readonly index: number;
}

/** An elementwise op absorbed into a node: applied to the node's output 0, with `inputs` as its further operands. */
export interface Fused {
  readonly op: Op;
  readonly attrs: object;
  readonly inputs: readonly Value[];
}

/** One application of an op. */
export interface Node {
  readonly op: Op;
  readonly inputs: readonly Value[];
  readonly attrs: object;
  readonly outputs: readonly Value[];
  /** Where the builder stood, e.g. "features.3.conv"; shown in errors and profiles. */
  readonly scope: string;
  /** Elementwise ops applied to output 0, in order; empty unless a pass put them there. */
  readonly epilogue: readonly Fused[];
}

/** A network as a value: leaves, nodes in execution order, named outputs, and the states and parameters that a run replaces. */
export interface Graph {
  readonly leaves: readonly Value[];
  readonly nodes: readonly Node[];
  readonly outputs: Readonly<Record<string, Value>>;
  /** After a run, leaf `target` (a parameter or state) holds `source`. */
  readonly updates: readonly Update[];
}

/** State goes out explicitly: `target` takes the value of `source` when the run ends. */
export interface Update {
  readonly target: Value;
  readonly source: Value;
}

/** Channels: axis 1 of activations and features. */
export function channels(x: Value): number {
  return x.shape[1];
}

/** What a value's elements are. */
export function dtypeOf({ dtype = "f32" }: Value): DType {
  return dtype;
}

/** Every value that a node reads: its own inputs, then those of its epilogue. */
export function operands(node: Node): readonly Value[] {
  return node.epilogue.length === 0 ? node.inputs : [...node.inputs, ...node.epilogue.flatMap((fused) => fused.inputs)];
}

/** The leaves of one kind, in order of creation. */
export function leavesOf(graph: Graph, kind: ValueKind): readonly Value[] {
  return graph.leaves.filter((leaf) => leaf.kind === kind);
}

/** `conv2d at "features.3"`, for errors. */
export function place(node: Node): string {
  return `${node.op.name} at "${node.scope}"`;
}
