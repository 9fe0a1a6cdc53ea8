import type { Shape } from "../../src/core/shape.ts";

/** Activations with sizes that fill no vector and no tile. */
export const raggedActivations: readonly Shape[] = [
  [1, 1, 1, 1],
  [2, 3, 5, 7],
  [3, 5, 1, 1],
  [1, 58, 7, 7],
  [2, 16, 4, 4],
  [1, 7, 13, 3],
];

/** Features, [n, c]. */
export const raggedFeatures: readonly Shape[] = [
  [1, 1],
  [2, 10],
  [3, 58],
  [5, 7],
];

export const ragged: readonly Shape[] = [...raggedActivations, ...raggedFeatures];
