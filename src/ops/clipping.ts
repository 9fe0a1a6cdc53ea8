import { need } from "../core/errors.ts";
import { formatShape, size } from "../core/shape.ts";
import { defineOp, type Op } from "../ir/op.ts";
import { operationsCost, plain } from "./cost.ts";

/** Any number of tensors → [count]: the squared L2 norm of each. */
export const gradientNorms: Op = defineOp({
  name: "gradientNorms",

  shape(inputs) {
    need(inputs.length > 0, () => "at least one tensor is needed");
    return [inputs.length];
  },

  cost: (inputs, _attrs, outputs) =>
    operationsCost(
      inputs.reduce((sum, x) => sum + size(x), 0),
      { adds: 1, multiplications: 1 },
      inputs,
      outputs,
    ),

  reference(y, inputs) {
    for (const [i, x] of inputs.entries()) {
      let squares = 0;
      for (const element of x.data) squares += element * element;
      y.data[i] = squares;
    }
  },
});

/**
 * Squared norms [count] → what to multiply all gradients by: 0 if any norm is not finite (the optimisers then change nothing), else
 * min(1, maxNorm / total norm). `maxNorm` 0 never clips.
 */
export const clipScale: Op<{ readonly maxNorm: number }> = defineOp<{ readonly maxNorm: number }>({
  name: "clipScale",

  shape([norms], { maxNorm }) {
    need(norms.length === 1, () => `the norms must be [count], found ${formatShape(norms)}`);
    need(maxNorm >= 0, () => `maxNorm must be from 0 on (0: no clipping), found ${maxNorm}`);
    return [];
  },

  cost: plain({ multiplications: 2, comparisons: 1 }),

  reference(y, [norms], { maxNorm }) {
    let squares = 0;
    for (const norm of norms.data) squares += norm;
    const isClipped = maxNorm > 0 && squares > maxNorm * maxNorm;
    const scale = isClipped ? maxNorm / Math.sqrt(squares) : 1;
    y.data[0] = Number.isFinite(squares) ? scale : 0;
  },
});
