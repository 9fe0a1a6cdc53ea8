import { need } from "../core/errors.ts";
import { defineOp, type Op } from "../ir/op.ts";
import { wholly } from "./cost.ts";

/** Norms below this count as this, as in the authors' code. */
export const LEAST_NORM = 1e-12;

/**
 * The gradient of a layer's weight → the same, scaled to the norm `rate` · √elements: AdderNet's layer-wise adaptive learning rate
 * (arXiv 1912.13200, equation 12; the authors' code has √k above the fraction bar and applies it inside the backward pass).
 */
export const layerRate: Op<{ readonly rate: number }> = defineOp<{ readonly rate: number }>({
  name: "layerRate",
  weightInputs: [0],
  weightOutputs: [0],

  shape([x], { rate }) {
    need(rate > 0, () => `rate must be above 0, found ${rate}`);
    return x;
  },

  cost: wholly({ adds: 1, multiplications: 2 }),

  reference(y, [x], { rate }) {
    let squares = 0;
    for (const element of x.data) squares += element * element;
    const norm = Math.sqrt(squares);
    // A norm that is NaN makes every element NaN.
    const scale = (rate * Math.sqrt(x.data.length)) / (norm < LEAST_NORM ? LEAST_NORM : norm);
    for (let i = 0; i < y.data.length; i++) y.data[i] = x.data[i] * scale;
  },
});
