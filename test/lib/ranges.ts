import type { ReferenceTensor } from "../../src/core/tensor.ts";
import type { Value } from "../../src/ir/graph.ts";
import type { Range } from "../../src/ir/integer.ts";

/** The range that each value takes in one run, zero within it: what integers are calibrated to, exactly. */
export function rangesOf(values: ReadonlyMap<Value, ReferenceTensor>): ReadonlyMap<Value, Range> {
  const ends = ({ data }: ReferenceTensor): Range => ({
    low: data.reduce((a, b) => Math.min(a, b), 0),
    high: data.reduce((a, b) => Math.max(a, b), 0),
  });
  return new Map([...values].map(([value, tensor]) => [value, ends(tensor)]));
}
