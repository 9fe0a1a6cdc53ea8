/** Squared norms of gradients and the factor that clips them. Partial sums are of fixed chunks, added in order in float64. */
import { size } from "../../../core/shape.ts";
import type { Value } from "../../../ir/graph.ts";
import { f32, f32x4, f64, i32, i32x4, v128 } from "../assembler.ts";
import { type Lower, type LowerContext, type Pointer, type Step, shifted, step } from "../kernel.ts";
import { pad4 } from "../layout.ts";
import { wasmKernel } from "../module.ts";

/** Elements of a chunk. */
const CHUNK = 16384;

const chunkFields = { partial: "i32", x: "i32", width: "i32", row: "i32", chunks: "i32" } as const;

/** Units are chunks of rows of `width` elements, `row` bytes apart; lanes behind a row's last element are left out. */
const chunkSquares = wasmKernel("squares", chunkFields, ({ partial, x, width, row, chunks, begin, end }, k) => {
  const lanes = k.local(v128.const32(0, 1, 2, 3));
  k.for({ from: begin, to: end }, (unit) => {
    const line = k.local(i32.divU(unit, chunks));
    const first = k.local(unit.minus(line.times(chunks)).times(CHUNK));
    const count = k.local(i32.min(width.minus(first), CHUNK));
    const start = k.local(x.plus(line.times(row)).plus(first.times(4)));
    const sums = Array.from({ length: 4 }, () => k.local(f32x4.const(0)));
    const wide = k.local(i32.and(count, -16));
    k.for({ from: start, to: k.local(start.plus(wide.times(4))), step: 64 }, (at) => {
      for (const [i, sum] of sums.entries()) {
        const g = k.local(v128.load(at, i * 16));
        sum.set(k.madd(g, g, sum));
      }
    });
    k.for({ from: wide, to: count, step: 4 }, (done) => {
      const mask = i32x4.gt(i32x4.splat(count.minus(done)), lanes);
      const g = k.local(v128.and(v128.load(start.plus(done.times(4))), mask));
      sums[0].set(k.madd(g, g, sums[0]));
    });
    const sum = k.local(f32x4.add(f32x4.add(sums[0], sums[1]), f32x4.add(sums[2], sums[3])));
    const folded = f32.add(f32.add(f32.lane(sum, 0), f32.lane(sum, 1)), f32.add(f32.lane(sum, 2), f32.lane(sum, 3)));
    k.store(partial.plus(unit.times(4)), folded);
  });
});

const addSquares = wasmKernel("add squares", { y: "i32", partial: "i32", count: "i32" }, ({ y, partial, count }, k) => {
  const sum = k.local(f64.const(0));
  k.for({ to: count.times(4), step: 4 }, (at) => sum.set(f64.add(sum, f64.fromF32(f32.load(partial.plus(at))))));
  k.store(y, f32.fromF64(sum));
});

/** The steps that put the squared norm of x into y. */
export function normSteps(x: Value, y: Pointer, context: LowerContext): readonly Step[] {
  const isDense = context.isWeight(x) || x.shape.length < 2;
  const width = isDense ? size(x.shape) : x.shape[1];
  const rows = size(x.shape) / width;
  const chunks = Math.ceil(width / CHUNK);
  const partial = context.scratch(pad4(rows * chunks));
  return [
    step(chunkSquares, rows * chunks, { partial, x: context.at(x), width, row: pad4(width) * 4, chunks }),
    step(addSquares, 1, { y, partial, count: rows * chunks }),
  ];
}

export const gradientNorms: Lower = (node, context) => {
  const y = context.at(node.outputs[0]);
  return node.inputs.flatMap((x, i) => normSteps(x, shifted(y, i * 4), context));
};

const scaleKernel = wasmKernel("clipScale", { y: "i32", norms: "i32", count: "i32", maxNorm: "f32" }, ({ y, norms, count, maxNorm }, k) => {
  const sum = k.local(f64.const(0));
  k.for({ to: count.times(4), step: 4 }, (at) => sum.set(f64.add(sum, f64.fromF32(f32.load(norms.plus(at))))));
  const total = k.local(f32.fromF64(sum));
  const limit = k.local(f32.fromF64(f64.div(f64.fromF32(maxNorm), f64.sqrt(sum))));
  const isClipped = i32.and(f32.gt(maxNorm, f32.const(0)), f32.lt(limit, f32.const(1)));
  // Infinity and NaN minus themselves are NaN, which equals nothing.
  const isUsable = f32.eq(f32.sub(total, total), f32.const(0));
  k.store(y, f32.select(isUsable, f32.select(isClipped, limit, f32.const(1)), f32.const(0)));
});

export const clipScale: Lower = (node, context) => {
  const { maxNorm } = node.attrs as { maxNorm: number };
  const [norms] = node.inputs;
  return [step(scaleKernel, 1, { y: context.at(node.outputs[0]), norms: context.at(norms), count: norms.shape[0], maxNorm })];
};
