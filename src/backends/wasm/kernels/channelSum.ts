import type { Value } from "../../../ir/graph.ts";
import { f32x4 } from "../assembler.ts";
import { type Lower, type LowerContext, type Pointer, type Step, step } from "../kernel.ts";
import { wasmKernel } from "../module.ts";
import { partialSums, type Reduction, reduceChannels, rowsOf, totalOf } from "./channelReduction.ts";

const sum: Reduction = { key: "x", inputs: ["x"], perChannel: [], sums: 1, update: (_k, [x], _channel, [total]) => [f32x4.add(total, x)] };

const finish = wasmKernel("channelSum", { y: "i32", partial: "i32", chunks: "i32", rowBytes: "i32" }, (a, k) => {
  k.for({ from: a.begin, to: a.end }, (vector) => {
    const lane = k.local(vector.times(16));
    k.store(a.y.plus(lane), totalOf(k, a, sum, 0, lane));
  });
});

/** The steps that put the sum of each channel of x into y. */
export function channelSumSteps(x: Value, y: Pointer, context: LowerContext): readonly Step[] {
  const rows = rowsOf(x);
  const partial = partialSums(context, rows, sum.sums);
  return [
    reduceChannels(sum, rows, partial, { x: context.at(x) }),
    step(finish, rows.rowBytes / 16, { y, partial, chunks: rows.chunks, rowBytes: rows.rowBytes }),
  ];
}

export const channelSum: Lower = (node, context) => channelSumSteps(node.inputs[0], context.at(node.outputs[0]), context);
