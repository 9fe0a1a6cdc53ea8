import type { Operations } from "../ir/op.ts";

/** Number types of the published table. */
export type NumberType = "f32" | "f16" | "i32" | "i8";

/** The number types in the table's order. */
export const numberTypes: readonly NumberType[] = ["f32", "f16", "i32", "i8"];

/**
 * Energy of one operation in picojoules, 45 nm at 0.9 V: Horowitz, "Computing's energy problem", ISSCC 2014, figure 1.1.9. Moving data is not in it, so
 * this compares arithmetic alone; on a processor that runs the layers from memory the difference is smaller.
 */
const energyTable: Readonly<Record<NumberType, { readonly add: number; readonly multiply: number }>> = {
  f32: { add: 0.9, multiply: 3.7 },
  f16: { add: 0.4, multiply: 1.1 },
  i32: { add: 0.1, multiply: 3.1 },
  i8: { add: 0.03, multiply: 0.2 },
};

/** The addition of two numbers' bits as integers (Mitchell's product): the table has no 16-bit integer, 32 bits are an upper bound. */
const bitsAdded: Readonly<Record<NumberType, NumberType>> = { f32: "i32", f16: "i32", i32: "i32", i8: "i8" };

/**
 * Microjoules of the arithmetic if every number had the type: a multiply–accumulate is one multiplication and one addition, a comparison takes
 * what an addition takes.
 */
export function energyOf(operations: Operations, type: NumberType = "f32"): number {
  const { macs, adds, multiplications = 0, comparisons = 0, integerAdds = 0 } = operations;
  const { add, multiply } = energyTable[type];
  const ofIntegers = energyTable[bitsAdded[type]].add;
  return ((macs + multiplications) * multiply + (macs + adds + comparisons) * add + integerAdds * ofIntegers) / 1e6;
}
