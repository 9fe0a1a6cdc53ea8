/**
 * dw of a convolution along the channels: dot products of dy's rows with x's (channelRows.ts tells how they lie), the latter shifted by the tap.
 * A unit owns up to four or eight taps of one remainder of one kernel and sums over all pixels, first within each pixel, so that rounding errors stay small.
 */
import type { ChannelConvolution } from "../../../ops/channelConvolution.ts";
import { type Code, f32, f32x4, i32, type Local, type V128, v128 } from "../assembler.ts";
import { type Lower, step } from "../kernel.ts";
import { type KernelSource, wasmKernel } from "../module.ts";
import { dealt, sizesOf, split } from "./channelRows.ts";

const fields = {
  ...({ dw: "i32", x: "i32", dy: "i32", xRow: "i32", dyRow: "i32", kernels: "i32", length: "i32", stride: "i32", windows: "i32" } as const),
  ...({ kh: "i32", kw: "i32", width: "i32", outHeight: "i32", outWidth: "i32", pixels: "i32", parts: "i32" } as const),
} as const;

function sumOfLanes(v: V128) {
  return f32.add(f32.add(f32.lane(v, 0), f32.lane(v, 1)), f32.add(f32.lane(v, 2), f32.lane(v, 3)));
}

/** The digits of a number, the last of the mixed radix first, and what is left. */
function digits(k: Code, number: Local<"i32">, radix: readonly Local<"i32">[]): Local<"i32">[] {
  const rest = k.local(number);
  const found = radix.map((extent) => {
    const digit = k.local(i32.rem(rest, extent));
    rest.set(i32.div(rest, extent));
    return digit;
  });
  return [...found, rest];
}

const weightGradient = (taps: 4 | 8): KernelSource<typeof fields> =>
  wasmKernel(`channel convolution: weight gradient, ${taps} taps`, fields, (a, k) => {
    const area = k.local(a.kh.times(a.kw));
    const xPixel = k.local(a.xRow.times(a.stride));
    const dyPixel = k.local(a.dyRow.times(a.kernels));
    const bytes = k.local(i32.and(a.windows.plus(3), -4).times(4));
    const totals = Array.from({ length: taps }, () => k.variable("v128"));
    const sums = Array.from({ length: taps }, () => k.variable("v128"));
    k.for({ from: a.begin, to: a.end }, (unit) => {
      const [part, p, kx, ky, kernel] = digits(k, unit, [a.parts, a.stride, a.kw, a.kh]);
      const first = k.local(part.times(taps));
      for (const total of totals) total.set(f32x4.const(0));
      const dy = k.local(a.dy.plus(kernel.times(a.dyRow)));
      k.for({ to: a.pixels }, (pixel) => {
        const line = k.local(i32.div(pixel, a.outWidth));
        const ox = k.local(pixel.minus(line.times(a.outWidth)));
        const image = k.local(i32.div(line, a.outHeight));
        const row = k.local(line.plus(image.times(a.kh.minus(1))).plus(ky));
        const x = k.local(a.x.plus(row.times(a.width).plus(ox).plus(kx).times(xPixel)).plus(p.times(a.xRow)).plus(first.times(4)));
        for (const sum of sums) sum.set(f32x4.const(0));
        k.for({ to: bytes, step: 16 }, (lane) => {
          const g = k.local(v128.load(dy.plus(lane)));
          const from = k.local(x.plus(lane));
          for (const [i, sum] of sums.entries()) sum.set(k.madd(v128.load(from, i * 4), g, sum));
        });
        for (const [i, total] of totals.entries()) total.set(f32x4.add(total, sums[i]));
        dy.add(dyPixel);
      });
      for (const [i, total] of totals.entries()) {
        const tap = k.local(first.plus(i).times(a.stride).plus(p));
        const at = kernel.times(a.length).plus(tap).times(area).plus(ky.times(a.kw)).plus(kx);
        k.if(i32.lt(tap, a.length), () => k.store(a.dw.plus(at.times(4)), sumOfLanes(total)));
      }
    });
  });

const kernels = { 4: weightGradient(4), 8: weightGradient(8) };

/** dw of a convolution along the channels. */
export const channelConvWeightGradient: Lower = (node, context) => {
  const attrs = node.attrs as ChannelConvolution;
  const [x, dy, dw] = [...node.inputs, node.outputs[0]];
  const [count, , length, kh, kw] = dw.shape;
  const sizes = sizesOf(x.shape, dw.shape, dy.shape, attrs);
  const own = dealt(context.at(x), x.shape, sizes, context);
  const other = split(context.at(dy), dy.shape, sizes, 0, context);
  const taps = sizes.margin < 4 ? 4 : 8;
  const parts = Math.ceil((sizes.margin + 1) / taps);
  const [n, , outHeight, outWidth] = dy.shape;
  const pointers = { dw: context.at(dw), x: own.rows.at, dy: other.rows.at };
  const rows = {
    xRow: own.rows.length * 4,
    dyRow: other.rows.length * 4,
    kernels: count,
    length,
    stride: attrs.stride,
    windows: sizes.windows,
  };
  const window = { kh, kw, width: x.shape[3], outHeight, outWidth, pixels: n * outHeight * outWidth, parts };
  return [own.step, other.step, step(kernels[taps], count * kh * kw * attrs.stride * parts, { ...pointers, ...rows, ...window })];
};
