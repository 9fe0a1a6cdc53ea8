import { need } from "../core/errors.ts";
import { formatShape, isSameShape } from "../core/shape.ts";
import type { Requantised } from "../ir/integer.ts";
import { defineOp, type Op } from "../ir/op.ts";
import { plain } from "./cost.ts";
import { cut, needType, requantisedType } from "./requantise.ts";

/** What each operand is multiplied by, and what is added: zero points and the half that rounds. */
export interface IntegerAddition extends Requantised {
  readonly ratios: readonly [number, number];
  readonly offset: number;
}

const { fround } = Math;

/** (a u7, b u7) → clamp(trunc(a · ratio₀ + b · ratio₁ + offset)): a sum of integers of two scales. */
export const integerAdd: Op<IntegerAddition> = defineOp<IntegerAddition>({
  name: "integerAdd",

  shape([a, b]) {
    need(isSameShape(a, b), () => `both operands must have one shape, found ${formatShape(a)} and ${formatShape(b)}`);
    return a;
  },

  dtype([a, b], attrs) {
    needType("the first operand", a, "u7");
    needType("the second operand", b, "u7");
    need(attrs.to !== "f32", () => "a sum of integers is u7 or u8, found f32");
    return requantisedType(attrs);
  },

  cost: plain({ multiplications: 2, adds: 2, comparisons: 2 }),

  reference(y, [a, b], attrs) {
    const [first, second] = attrs.ratios.map(fround);
    const offset = fround(attrs.offset);
    for (let i = 0; i < y.data.length; i++) {
      const sum = fround(fround(a.data[i] * first) + fround(b.data[i] * second));
      y.data[i] = cut(fround(sum + offset), attrs);
    }
  },
});
