/** How far a result may be from the float64 reference: |found − wanted| ≤ relative · max|wanted| + absolute. */
export interface Tolerance {
  readonly relative: number;
  readonly absolute: number;
}

/** By backend name. Inputs are float32 everywhere; "reference" only rounds its outputs, "wasm" computes in float32. */
export const tolerances: Readonly<Record<string, Tolerance>> = {
  reference: { relative: 1e-7, absolute: 1e-30 },
  wasm: { relative: 1e-5, absolute: 1e-6 },
};

/**
 * A layer and a function of its output in its epilogue: the layer's error is relative to what it computes, which a bounded function (sigmoid) makes smaller. Counts
 * where sums are rounded more freely, as by Winograd's algorithm.
 */
export const epilogueTolerances: Readonly<Record<string, Tolerance>> = { ...tolerances, wasm: { relative: 3e-5, absolute: 1e-6 } };

/** Finite differences in float64: the error of a central difference with a step of 1e-4, beside the largest slope. */
export const finiteDifferences: Tolerance = { relative: 1e-6, absolute: 1e-7 };

/** A graph before and after a pass, both in float64; folded constants are stored in float32. */
export const samePass: Tolerance = { relative: 1e-12, absolute: 1e-12 };
export const foldedPass: Tolerance = { relative: 1e-5, absolute: 1e-6 };

/** Whole networks in float32: rounding adds up over the layers; in training a ReLU whose input is within rounding of 0 may flip. */
export const deepNetwork: Tolerance = { relative: 1e-5, absolute: 1e-6 };
export const deepTraining: Tolerance = { relative: 1e-3, absolute: 1e-6 };
/**
 * The same by adders and Mitchell products: the layer-wise rate scales a filter's gradient up together with its rounding, clips have kinks, and
 * the slope of Mitchell's product jumps where mantissas add up to 1.
 */
export const deepArithmetic: Tolerance = { relative: 1e-2, absolute: 1e-5 };

/** Networks drawn at random: their sums may cancel, so that rounding weighs more than in a network that somebody designed. */
export const randomNetwork: Tolerance = { relative: 1e-4, absolute: 1e-5 };
