import type { Shape } from "../core/shape.ts";
import type { Tensor } from "../core/tensor.ts";
import type { Graph } from "../ir/graph.ts";

/** Parameters and states by weight name, in the reference's shapes (OIHW), row-major. */
export type Weights = ReadonlyMap<string, Tensor>;

/** Where a value lies in a session: element (n, c, h, w) is data[n·strides[0] + c·strides[1] + …]. Valid until the session is disposed. */
export interface View {
  readonly shape: Shape;
  readonly strides: readonly number[];
  readonly data: Float32Array;
}

/** One line of a profile. `kernel` is "reference" where the op has no kernel here. */
export interface ProfileRow {
  readonly op: string;
  readonly scope: string;
  readonly kernel: string;
  readonly milliseconds: number;
}

/** A node that runs on the float64 reference because its backend has no kernel for it. */
export interface Fallback {
  readonly op: string;
  readonly scope: string;
}

/** A compiled graph with its weights and memory. Allocates once; `run` allocates nothing but its outputs. */
export interface Session {
  readonly graph: Graph;
  readonly fallbacks: readonly Fallback[];
  /** Bytes of the whole arena, weights included. */
  readonly bytes: number;
  /** Threads that share each run: those asked for, or one where the platform allows no more. */
  readonly threads: number;
  /** Copies the inputs in, runs, applies the graph's updates, copies the outputs out (logical row-major). */
  run(inputs: Readonly<Record<string, Tensor>>): Record<string, Tensor>;
  /** Runs on what the input views hold; read outputs through `view`. No copies, no allocation. */
  runInPlace(): void;
  /** The memory of an input or output, by name. */
  view(name: string): View;
  /** A copy of a parameter or state. */
  read(name: string): Tensor;
  /** Replaces a parameter or state; shape-checked. */
  write(name: string, value: Tensor): void;
  /** Runs once more on the held inputs and times each step. */
  profile(): readonly ProfileRow[];
  dispose(): void;
  [Symbol.dispose](): void;
}

/** How a session is opened. */
export interface OpenOptions {
  /** Threads that share each run, the caller's own included; results do not depend on it. Default 1. */
  readonly threads?: number;
  /** False forbids relaxed SIMD (fused multiply–add) even where the engine has it. */
  readonly isRelaxedAllowed?: boolean;
  /**
   * True keeps every convolution a sum of products as written. By default, dense 3 × 3 convolutions with fixed weights go through Winograd's transforms
   * where those are faster, and differ by up to 1e-5 of the largest output. Graphs that train are always exact.
   */
  readonly exact?: boolean;
}

/** An engine: opens graphs. The only seam between graphs and machines. */
export interface Backend {
  readonly name: string;
  open(graph: Graph, weights: Weights, options?: OpenOptions): Promise<Session>;
}
