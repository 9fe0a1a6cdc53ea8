import { need } from "../core/errors.ts";
import { formatShape, size } from "../core/shape.ts";
import { defineOp, type Op } from "../ir/op.ts";
import { plain } from "./cost.ts";

/** Multiples are of scale · `unit`, counted from −`shift`. */
export interface RoundToScales {
  readonly unit: number;
  readonly shift: number;
}

/** (x [out, …], scales [out]) → the nearest multiples of each output's scale: ⌊(x + shift) / step + ½⌋ · step − shift, step = scale · unit. */
export const roundToScales: Op<RoundToScales> = defineOp<RoundToScales>({
  name: "roundToScales",
  weightInputs: [0],
  weightOutputs: [0],

  shape([x, scales], { unit }) {
    const isFit = scales.length === 1 && scales[0] === x[0];
    need(isFit, () => `the scales are ${formatShape(scales)}, but ${x[0]} outputs need [${x[0]}]`);
    need(unit > 0, () => `unit must be above 0, found ${unit}`);
    return x;
  },

  cost: plain({ adds: 3, multiplications: 2 }),

  surrogate: () => "straight through: dx = dy, and the scales are taken as constants", // arXiv 1308.3432

  reference(y, [x, scales], { unit, shift }) {
    const length = size(x.shape.slice(1));
    for (let i = 0; i < y.data.length; i++) {
      const step = scales.data[Math.floor(i / length)] * unit;
      y.data[i] = Math.floor((x.data[i] + shift) / step + 0.5) * step - shift;
    }
  },
});
