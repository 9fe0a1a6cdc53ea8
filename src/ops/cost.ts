import { type Shape, size } from "../core/shape.ts";
import type { Cost } from "../ir/op.ts";

/** Elements read and written when every input and output is touched once. */
export function touched(inputs: readonly Shape[], outputs: readonly Shape[]): number {
  return [...inputs, ...outputs].reduce((sum, shape) => sum + size(shape), 0);
}

/**
 * Cost of ops that are not sums of similarities: `operations` plain arithmetic operations an element of output 0, no multiply–accumulates,
 * so that a network's total of these is that of its convolutions and linear layers, as papers count.
 */
export function plain(operations: number): (inputs: readonly Shape[], attrs: object, outputs: readonly Shape[]) => Cost {
  return (inputs, _attrs, outputs) => ({ macs: 0, adds: operations * size(outputs[0]), moved: touched(inputs, outputs) });
}
