/**
 * A convolution sums the similarity of each pixel with its filter tap: Y = Σ S(X, F). Padding takes part as S(0, F).
 * A new similarity is a row of this table; shapes, costs, gradients and the reference follow from it.
 */
export interface SimilarityRule {
  /** S(x, w). */
  readonly combine: (x: number, w: number) => number;
  /** What flows to x and to w for a unit gradient of S: the derivative, unless `surrogate` says otherwise. */
  readonly inputSlope: (x: number, w: number) => number;
  readonly weightSlope: (x: number, w: number) => number;
  /** The slope in one operand reads only the other one, so the gradient ops need not be given both. */
  readonly isBilinear: boolean;
  /** Work of one tap. */
  readonly macs: number;
  readonly adds: number;
  /** The stated form of slopes that are not the derivative. */
  readonly surrogate?: string;
}

export const similarities = {
  product: { combine: (x, w) => x * w, inputSlope: (_x, w) => w, weightSlope: (x) => x, isBilinear: true, macs: 1, adds: 0 },
} satisfies Record<string, SimilarityRule>;

/** A row of the table of similarities. */
export type Similarity = keyof typeof similarities;

/** The rule of a similarity. */
export function similarityRule(name: Similarity): SimilarityRule {
  return similarities[name];
}
