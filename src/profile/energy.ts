import type { Cost } from "../ir/op.ts";

/** Number types of the published table. */
export type NumberType = "f32" | "f16" | "i32" | "i8";

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

/** Microjoules of the arithmetic: a multiply–accumulate is one multiplication and one addition, a comparison counts as an addition. */
export function energyOf({ macs, adds }: Pick<Cost, "macs" | "adds">, type: NumberType = "f32"): number {
  const { add, multiply } = energyTable[type];
  return (macs * (multiply + add) + adds * add) / 1e6;
}
