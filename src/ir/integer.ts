/** How an op goes to integers: what its record may declare, and what the pass offers to it. */
import type { Shape } from "../core/shape.ts";
import type { Value } from "./graph.ts";
import type { Scope } from "./scope.ts";

/** What an integer q of a value stands for: (q − zero) · scale. */
export interface Quantised {
  readonly scale: number;
  readonly zero: number;
}

/** The least and the largest number that a value holds, as far as is known. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

/** What becomes of a sum of integers: clamp(trunc(sum · ratio + offset), low, high); of type f32, sum · ratio + offset itself. */
export interface Requantised {
  readonly to: "u7" | "u8" | "f32";
  readonly low: number;
  readonly high: number;
}

/** An op's operands and result as integers. */
export interface IntegerPlace {
  /** The activations among the operands, in order. */
  readonly inputs: readonly { readonly value: Value; readonly quantised: Quantised }[];
  /** The result; `to` is f32 only where `filters` was called. */
  readonly output: Quantised;
  readonly requantised: Requantised;
  /** Leaves for a weight [out, …] of 8 bits and, for each output, the ratio and the offset (with the half that rounds) of its sums. */
  filters(
    weight: Value,
    bias: Value | undefined,
    similarity: "product" | "l1",
  ): { readonly weight: Value; readonly ratio: Value; readonly offset: Value };
  /** The same for sums of 16 bits: biases are added to them, factors are the ratios in parts of 2¹⁵. */
  narrowFilters(weight: Value, bias: Value | undefined): { readonly weight: Value; readonly bias: Value; readonly factor: Value };
}

/** An op's integer form. */
export interface IntegerRule<A> {
  /** Indices of the operands that are activations. Default: all. */
  readonly activations?: readonly number[];
  /** False for operands or attributes that have no integer form. */
  accepts?(inputs: readonly Shape[], attrs: A): boolean;
  /** The op itself, on integers: results stand for what operands stand for (moves, maxima). */
  readonly isKept?: true;
  /** Attributes that the op has on integers only. */
  keptAttrs?(quantised: Quantised): Partial<A>;
  /** Builds the integer form. */
  build?(g: Scope, place: IntegerPlace, inputs: readonly Value[], attrs: A): Value;
  /** The result has 7 bits whatever `requantised` says: a function behind it is a table of its own. */
  readonly givesU7?: true;
  /** The sums may stay float32, so a last layer need not be rounded to 7 bits. */
  readonly givesFloats?: true;
}
