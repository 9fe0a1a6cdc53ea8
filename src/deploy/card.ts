import type { Preprocessing } from "../data/preprocessing.ts";

/** Where a value of the file lies: element (n, c, h, w) is float at / 4 + n · strides[0] + c · strides[1] + … of the memory. */
export interface Placed {
  readonly at: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly floats: number;
}

/** What a compiled file says of itself, as JSON in its custom section "goldcrest". Addresses and lengths are bytes. */
export interface Card {
  readonly version: 1;
  readonly labels: readonly string[];
  readonly preprocessing: Preprocessing;
  /** True where layers compute with integers: then the relaxed kernels are compared with the plain ones before they are used. */
  readonly hasIntegers: boolean;
  readonly image: Placed;
  readonly logits: Placed;
  /** Stored values: [to, from, bytes, first step, last step (not included)]. */
  readonly weights: readonly (readonly [number, number, number, number, number])[];
  /** Length of all stored values, and of them in a file of their own the 16 first bytes, as hexadecimal digits; both files carry them. */
  readonly weightBytes: number;
  readonly weightKey?: string;
  /** Steps of a run, a half-open range. */
  readonly steps: readonly [number, number];
  /** Memory that holds nothing between loading and the first run, a half-open range. */
  readonly transient: readonly [number, number];
}
