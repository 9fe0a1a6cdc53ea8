import { need } from "../core/errors.ts";
import { formatShape } from "../core/shape.ts";
import type { Requantised } from "../ir/integer.ts";
import { defineOp, type Op } from "../ir/op.ts";
import { plain } from "./cost.ts";
import { needType, needZero, requantise, requantisedType } from "./requantise.ts";

/** The zero points of both operands, and how their product goes back to few bits. */
export interface IntegerProduct extends Requantised {
  readonly zeros: readonly [number, number];
  readonly ratio: number;
  readonly offset: number;
}

/** (x u7 [n, c, h, w], gate u7 [n, c, 1, 1]) → clamp(trunc((x − zero₀) · (gate − zero₁) · ratio + offset)): the gates of squeeze-and-excitation. */
export const integerMultiply: Op<IntegerProduct> = defineOp<IntegerProduct>({
  name: "integerMultiply",

  shape([x, gate], { zeros }) {
    const isFit = x.length === 4 && gate.length === 4 && gate[0] === x[0] && gate[1] === x[1] && gate[2] * gate[3] === 1;
    need(isFit, () => `needed [n, c, h, w] and [n, c, 1, 1], found ${formatShape(x)} and ${formatShape(gate)}`);
    for (const zero of zeros) needZero(zero);
    return x;
  },

  dtype([x, gate], attrs) {
    needType("the first operand", x, "u7");
    needType("the gate", gate, "u7");
    need(attrs.to !== "f32", () => "a product of integers is u7 or u8, found f32");
    return requantisedType(attrs);
  },

  cost: plain({ multiplications: 2, adds: 2, comparisons: 2 }),

  reference(y, [x, gate], attrs) {
    const area = x.data.length / gate.data.length;
    const [ratio, offset] = [attrs.ratio, attrs.offset].map(Math.fround);
    for (let i = 0; i < y.data.length; i++) {
      const product = (x.data[i] - attrs.zeros[0]) * (gate.data[Math.floor(i / area)] - attrs.zeros[1]);
      y.data[i] = requantise(product, ratio, offset, attrs);
    }
  },
});
