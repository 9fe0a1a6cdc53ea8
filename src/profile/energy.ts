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

/** The types that some arithmetic can be done in: adding the bits of floats (Mitchell's product) has no meaning for integers. */
export function typesOf({ integerAdds = 0 }: Operations): readonly NumberType[] {
  return integerAdds > 0 ? ["f32", "f16"] : numberTypes;
}

/**
 * Microjoules of the arithmetic if every number had the type: a multiply–accumulate is one multiplication and one addition, a comparison takes
 * what an addition takes. For the sums of bits the table has no 16-bit integers: that of 32 bits is an upper bound.
 */
export function energyOf(operations: Operations, type: NumberType = "f32"): number {
  const { macs, adds, multiplications = 0, comparisons = 0, integerAdds = 0 } = operations;
  const { add, multiply } = energyTable[type];
  return ((macs + multiplications) * multiply + (macs + adds + comparisons) * add + integerAdds * energyTable.i32.add) / 1e6;
}
