import { need } from "../core/errors.ts";
import { formatShape, isSameShape } from "../core/shape.ts";
import { defineOp, type GradientRule, type Op } from "../ir/op.ts";
import { type Operations, plain } from "./cost.ts";

/** A scalar function applied to every element, and its slope. */
export interface Activation {
  readonly name: string;
  readonly value: (x: number) => number;
  /** The derivative, as a function of what `slopeReads` names. */
  readonly slope: (read: number) => number;
  /**
   * What the gradient op is given beside dy: the activation's input, or its output where the slope can be told from it. Reading the output
   * leaves the input without a reader, so that training, too, can fuse the activation into the op before it.
   */
  readonly slopeReads: "input" | "output";
  /** Operations an element, for the cost of the value and of the gradient. */
  readonly operations: Operations;
}

/** The op of a scalar function, the op of its gradient: (dy, x or y) → dy · slope, and the rule that applies it. */
export function activation({
  name,
  value,
  slope,
  slopeReads,
  operations,
}: Activation): readonly [forward: Op, backward: Op, rule: GradientRule<object>] {
  const backward = defineOp({
    name: `${name}Gradient`,
    isElementwise: true,
    shape([dy, read]) {
      need(isSameShape(dy, read), () => `the gradient ${formatShape(dy)} and the ${slopeReads} ${formatShape(read)} must have one shape`);
      return dy;
    },
    cost: plain({ ...operations, multiplications: (operations.multiplications ?? 0) + 1 }),
    reference(dx, [dy, read]) {
      for (let i = 0; i < dx.data.length; i++) dx.data[i] = dy.data[i] * slope(read.data[i]);
    },
  });
  const forward = defineOp({
    name,
    isElementwise: true,
    shape: ([x]) => x,
    cost: plain(operations),
    reference(y, [x]) {
      for (let i = 0; i < y.data.length; i++) y.data[i] = value(x.data[i]);
    },
  });
  const rule: GradientRule<object> = (g, [x], dy, _attrs, { outputs: [y] }) => [backward(g, [dy, slopeReads === "input" ? x : y], {})];
  return [forward, backward, rule];
}
