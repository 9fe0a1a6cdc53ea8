import { f32x4 } from "../assembler.ts";
import { type Lower, step } from "../kernel.ts";
import { wasmKernel } from "../module.ts";
import { partialSums, type Reduction, reduceChannels, rowsOf, totalOf } from "./channelReduction.ts";

const sum: Reduction = { key: "x", inputs: ["x"], perChannel: [], sums: 1, update: (_k, [x], _channel, [total]) => [f32x4.add(total, x)] };

const finish = wasmKernel("channelSum", { y: "i32", partial: "i32", chunks: "i32", rowBytes: "i32" }, (a, k) => {
  k.for({ from: a.begin, to: a.end }, (vector) => {
    const lane = k.local(vector.times(16));
    k.store(a.y.plus(lane), totalOf(k, a, sum, 0, lane));
  });
});

export const channelSum: Lower = (node, context) => {
  const [x] = node.inputs;
  const rows = rowsOf(x);
  const partial = partialSums(context, rows, sum.sums);
  return [
    reduceChannels(sum, rows, partial, { x: context.at(x) }),
    step(finish, rows.rowBytes / 16, { y: context.at(node.outputs[0]), partial, chunks: rows.chunks, rowBytes: rows.rowBytes }),
  ];
};
