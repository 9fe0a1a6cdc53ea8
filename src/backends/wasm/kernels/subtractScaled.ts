/** dw −= w · Σ dy: what the weight's gradient Σ dy · (x − w) has beside the product's. */
import type { Value } from "../../../ir/graph.ts";
import { f32, f32x4, i32, v128 } from "../assembler.ts";
import { type LowerContext, type Pointer, type Step, step } from "../kernel.ts";
import { pad4 } from "../layout.ts";
import { wasmKernel } from "../module.ts";
import { channelSumSteps } from "./channelSum.ts";

const fields = { dw: "i32", w: "i32", sums: "i32", width: "i32" } as const;

/** Units are rows of the weight, one output each; a row ends where the next begins. */
const subtractRows = wasmKernel("subtract scaled", fields, ({ dw, w, sums, width, begin, end }, k) => {
  k.for({ from: begin, to: end }, (row) => {
    const start = k.local(row.times(width).times(4));
    const [to, from] = [k.local(dw.plus(start)), k.local(w.plus(start))];
    const factor = k.local(f32.load(sums.plus(row.times(4))));
    const factors = k.local(f32x4.splat(factor));
    const whole = k.local(i32.and(width, -4).times(4));
    k.for({ to: whole, step: 16 }, (at) => k.store(to.plus(at), k.nmadd(v128.load(from.plus(at)), factors, v128.load(to.plus(at)))));
    k.for({ from: whole, to: width.times(4), step: 4 }, (at) =>
      k.store(to.plus(at), f32.sub(f32.load(to.plus(at)), f32.mul(f32.load(from.plus(at)), factor))),
    );
  });
});

/** Both weights dense, [out][width]. */
export function subtractScaledSteps(dw: Pointer, weight: Value, dy: Value, context: LowerContext): readonly Step[] {
  const sums = context.scratch(pad4(dy.shape[1]));
  const [outputs, ...rest] = weight.shape;
  const width = rest.reduce((product, extent) => product * extent, 1);
  return [...channelSumSteps(dy, sums, context), step(subtractRows, outputs, { dw, w: context.at(weight), sums, width })];
}
