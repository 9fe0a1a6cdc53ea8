import { type Shape, size } from "../core/shape.ts";
import { type Cost, type Operations as Counted, sumOperations } from "../ir/op.ts";
import type { TapCost } from "./similarity.ts";

/** What an op does to each element, beside multiply–accumulates; a division, a root or an exponential counts as a multiplication. */
export type Operations = Partial<Pick<Counted, "adds" | "multiplications" | "comparisons">>;

type Rule = (inputs: readonly Shape[], attrs: object, outputs: readonly Shape[]) => Cost;

/** Elements read and written when every input and output is touched once. */
export function touched(inputs: readonly Shape[], outputs: readonly Shape[]): number {
  return [...inputs, ...outputs].reduce((sum, shape) => sum + size(shape), 0);
}

/** Cost of a sum of similarities: so many taps of one kind. */
export function tapsCost(taps: number, tap: TapCost, inputs: readonly Shape[], outputs: readonly Shape[]): Cost {
  const { macs, adds, integerAdds, comparisons = 0 } = tap;
  return {
    macs: taps * macs,
    adds: taps * adds,
    moved: touched(inputs, outputs),
    ...(integerAdds > 0 ? { integerAdds: taps * integerAdds } : {}),
    ...(comparisons > 0 ? { comparisons: taps * comparisons } : {}),
  };
}

/**
 * Cost of ops that are not sums of similarities: no multiply–accumulates, so that a network's total of these is that of its convolutions and
 * linear layers, as papers count.
 */
export function operationsCost(elements: number, each: Operations, inputs: readonly Shape[], outputs: readonly Shape[]): Cost {
  const { adds = 0, multiplications = 0, comparisons = 0 } = each;
  return {
    macs: 0,
    adds: elements * adds,
    moved: touched(inputs, outputs),
    ...(multiplications > 0 ? { multiplications: elements * multiplications } : {}),
    ...(comparisons > 0 ? { comparisons: elements * comparisons } : {}),
  };
}

/** Cost of an op that does several things. */
export function sumCosts(parts: readonly Cost[]): Cost {
  return { ...sumOperations(parts), moved: parts.reduce((sum, { moved }) => sum + moved, 0) };
}

/** The cost rule of ops with so many operations for each element of output 0. */
export function plain(each: Operations): Rule {
  return (inputs, _attrs, outputs) => operationsCost(size(outputs[0]), each, inputs, outputs);
}

/** The cost rule of ops with so many operations for each element of input 0. */
export function wholly(each: Operations): Rule {
  return (inputs, _attrs, outputs) => operationsCost(size(inputs[0]), each, inputs, outputs);
}
