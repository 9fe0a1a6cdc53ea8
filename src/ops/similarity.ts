import { need } from "../core/errors.ts";
import { wideMitchellProduct, wideMitchellSlope } from "../core/mitchell.ts";
import { type Shape, size } from "../core/shape.ts";

/** Operations of one tap, beside the multiply–accumulates: additions, those on integers apart, and comparisons. */
export interface TapCost {
  readonly macs: number;
  readonly adds: number;
  readonly integerAdds: number;
  readonly comparisons?: number;
}

/** What flows back through one tap S(x, w) that a gradient dy reaches. */
export interface SimilarityGradient {
  readonly toInput: (dy: number, x: number, w: number) => number;
  readonly toWeight: (dy: number, x: number, w: number) => number;
  /** `toInput` reads dy and w only, `toWeight` dy and x only, so the gradient ops need not be given both operands. */
  readonly isBilinear: boolean;
  readonly inputCost: TapCost;
  readonly weightCost: TapCost;
  /** The weight's whole gradient is then scaled to the norm `rate` · √elements (`layerRate`). */
  readonly rate?: number;
  /** The stated form where this is not the derivative. */
  readonly surrogate?: string;
}

/**
 * A convolution sums the similarity of each pixel with its filter tap: Y = Σ S(X, F). Padding takes part as S(0, F).
 * A new similarity is a row of this table; shapes, costs, gradients and the reference follow from it.
 */
export interface SimilarityRule {
  /** S(x, w). */
  readonly combine: (x: number, w: number) => number;
  readonly cost: TapCost;
  /** S(x, w) is linear in w, so a scale of the output may be put into the weight. */
  readonly isLinear: boolean;
  /** Deviation of the normal distribution that filters [out, in / groups, kh, kw] start with. */
  readonly deviation: (filter: Shape, groups: number) => number;
  /** The gradients to choose from (`gradient` of the attributes), by name; the first is the default. */
  readonly gradients: Readonly<Record<string, SimilarityGradient>>;
}

const multiplyAccumulate: TapCost = { macs: 1, adds: 0, integerAdds: 0 };
const twoAdditions: TapCost = { macs: 0, adds: 2, integerAdds: 0 };
const mitchellTap: TapCost = { macs: 0, adds: 1, integerAdds: 1 };

/** The gradient of the ordinary product. */
const derivative: SimilarityGradient = {
  toInput: (dy, _x, w) => dy * w,
  toWeight: (dy, x) => dy * x,
  isBilinear: true,
  inputCost: multiplyAccumulate,
  weightCost: multiplyAccumulate,
};

function clip(x: number): number {
  return Math.min(Math.max(x, -1), 1);
}

/** AdderNet's: full-precision filter gradient, clipped input gradient, layer-wise adaptive rate. arXiv 1912.13200, section 3; η of the authors' code. */
const adder: SimilarityGradient = {
  toInput: (dy, x, w) => dy * clip(w - x),
  toWeight: (dy, x, w) => dy * (x - w),
  isBilinear: false,
  // The difference and the clipping, beside the multiplication by dy.
  inputCost: { macs: 1, adds: 1, integerAdds: 0, comparisons: 2 },
  weightCost: { macs: 1, adds: 1, integerAdds: 0 },
  rate: 0.2,
  surrogate: "dX = clip(W − X, −1, 1), dW = X − W, then scaled to the norm 0.2 · √elements",
};

/** Mitchell's product in the backward pass, too. arXiv 2012.03458. */
const approximate: SimilarityGradient = {
  toInput: (dy, _x, w) => wideMitchellProduct(dy, w),
  toWeight: (dy, x) => wideMitchellProduct(dy, x),
  isBilinear: true,
  inputCost: mitchellTap,
  weightCost: mitchellTap,
  surrogate: "dX = mitchell(dY, W), dW = mitchell(dY, X)",
};

/** The derivative of the piecewise affine map that Mitchell's product is. */
const piecewise: SimilarityGradient = {
  toInput: (dy, x, w) => dy * wideMitchellSlope(x, w),
  toWeight: (dy, x, w) => dy * wideMitchellSlope(w, x),
  isBilinear: false,
  inputCost: { macs: 1, adds: 0, integerAdds: 1 },
  weightCost: { macs: 1, adds: 0, integerAdds: 1 },
};

/** Variance 2 / fan-out. He et al., arXiv 1502.01852. */
function ofFanOut([out, , ...kernel]: Shape, groups: number): number {
  return Math.sqrt((2 * groups) / (out * size(kernel)));
}

export const similarities = {
  product: {
    combine: (x, w) => x * w,
    cost: multiplyAccumulate,
    isLinear: true,
    deviation: ofFanOut,
    gradients: { exact: derivative },
  },
  /** AdderNet's: the negated L1 distance, a subtraction and an addition a tap. Filters are compared with pixels, so they start in their range. */
  l1: { combine: (x, w) => -Math.abs(x - w), cost: twoAdditions, isLinear: false, deviation: () => 1, gradients: { adder } },
  /** Mitchell's product (core/mitchell.ts); "ste" takes the ordinary product's gradient for its own. */
  mitchell: {
    combine: wideMitchellProduct,
    cost: mitchellTap,
    isLinear: false,
    deviation: ofFanOut,
    gradients: {
      approx: approximate,
      exact: piecewise,
      ste: { ...derivative, surrogate: "dX = dY · W, dW = dY · X" },
    },
  },
} satisfies Record<string, SimilarityRule>;

/** A row of the table of similarities. */
export type Similarity = keyof typeof similarities;

/** The attributes that choose a similarity and the gradient it trains with. */
export interface Similar {
  readonly similarity: Similarity;
  /** One of the similarity's gradients; its first unless given. */
  readonly gradient?: string;
}

/** The rule of a similarity. */
export function similarityRule(name: Similarity): SimilarityRule {
  return similarities[name];
}

/** Refuses a similarity or a gradient that the table does not have. */
export function needSimilarity({ similarity, gradient }: Similar): void {
  const rules: Readonly<Record<string, SimilarityRule>> = similarities;
  need(Object.hasOwn(rules, similarity), () => `similarity "${similarity}" is not one of ${Object.keys(rules).join(", ")}`);
  const known = Object.keys(rules[similarity].gradients);
  need(
    gradient === undefined || known.includes(gradient),
    () => `gradient "${gradient}" of ${similarity} is not one of ${known.join(", ")}`,
  );
}

/** The name of the gradient that is chosen. */
export function gradientName({ similarity, gradient }: Similar): string {
  return gradient ?? Object.keys(similarities[similarity].gradients)[0];
}

/** The gradient that is chosen. */
export function similarityGradient(attrs: Similar): SimilarityGradient {
  return similarityRule(attrs.similarity).gradients[gradientName(attrs)];
}
