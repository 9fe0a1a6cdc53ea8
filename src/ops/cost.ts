import { type Shape, size } from "../core/shape.ts";
import type { Cost } from "../ir/op.ts";
import type { TapCost } from "./similarity.ts";

/** Elements read and written when every input and output is touched once. */
export function touched(inputs: readonly Shape[], outputs: readonly Shape[]): number {
  return [...inputs, ...outputs].reduce((sum, shape) => sum + size(shape), 0);
}

/** Cost of a sum of similarities: so many taps of one kind. */
export function tapsCost(taps: number, tap: TapCost, inputs: readonly Shape[], outputs: readonly Shape[]): Cost {
  const cost = { macs: taps * tap.macs, adds: taps * tap.adds, moved: touched(inputs, outputs) };
  return tap.integerAdds > 0 ? { ...cost, integerAdds: taps * tap.integerAdds } : cost;
}

/**
 * Cost of ops that are not sums of similarities: `operations` plain arithmetic operations an element of output 0, no multiply–accumulates,
 * so that a network's total of these is that of its convolutions and linear layers, as papers count.
 */
export function plain(operations: number): (inputs: readonly Shape[], attrs: object, outputs: readonly Shape[]) => Cost {
  return (inputs, _attrs, outputs) => ({ macs: 0, adds: operations * size(outputs[0]), moved: touched(inputs, outputs) });
}
