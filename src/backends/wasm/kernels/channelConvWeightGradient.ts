/**
 * dw of a convolution along the channels: dot products of dy's rows with x's (channelConv.ts tells how they lie), the latter shifted by the tap.
 * A unit owns up to four taps of one remainder of one kernel and sums over all pixels, first within each pixel, so that rounding errors stay small.
 */
import type { ChannelConvolution } from "../../../ops/channelConvolution.ts";
import { f32, f32x4, i32, type V128, v128 } from "../assembler.ts";
import { type Lower, step } from "../kernel.ts";
import { wasmKernel } from "../module.ts";
import { dealt, sizesOf, split } from "./channelConv.ts";

const TAPS = 4;

const fields = {
  ...({ dw: "i32", x: "i32", dy: "i32", xRow: "i32", dyRow: "i32", kernels: "i32", length: "i32", stride: "i32", windows: "i32" } as const),
  ...({ kh: "i32", kw: "i32", width: "i32", outHeight: "i32", outWidth: "i32", pixels: "i32", parts: "i32" } as const),
} as const;

function sumOfLanes(v: V128) {
  return f32.add(f32.add(f32.lane(v, 0), f32.lane(v, 1)), f32.add(f32.lane(v, 2), f32.lane(v, 3)));
}

const weightGradient = wasmKernel("channel convolution: weight gradient", fields, (a, k) => {
  const area = k.local(a.kh.times(a.kw));
  const xPixel = k.local(a.xRow.times(a.stride));
  const dyPixel = k.local(a.dyRow.times(a.kernels));
  const bytes = k.local(i32.and(a.windows.plus(3), -4).times(4));
  const totals = Array.from({ length: TAPS }, () => k.variable("v128"));
  const sums = Array.from({ length: TAPS }, () => k.variable("v128"));
  const rest = k.variable("i32");
  const take = (extent: Parameters<typeof i32.rem>[1]) => {
    const digit = k.local(i32.rem(rest, extent));
    rest.set(i32.div(rest, extent));
    return digit;
  };
  k.for({ from: a.begin, to: a.end }, (unit) => {
    rest.set(unit);
    const [part, p, kx, ky] = [take(a.parts), take(a.stride), take(a.kw), take(a.kh)];
    const kernel = k.local(rest);
    const first = k.local(part.times(TAPS));
    for (const total of totals) total.set(f32x4.const(0));
    const dy = k.local(a.dy.plus(kernel.times(a.dyRow)));
    k.for({ to: a.pixels }, (pixel) => {
      const line = k.local(i32.div(pixel, a.outWidth));
      const ox = k.local(pixel.minus(line.times(a.outWidth)));
      const image = k.local(i32.div(line, a.outHeight));
      const place = line
        .plus(image.times(a.kh.minus(1)))
        .plus(ky)
        .times(a.width)
        .plus(ox)
        .plus(kx);
      const x = k.local(a.x.plus(place.times(xPixel)).plus(p.times(a.xRow)).plus(first.times(4)));
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

/** dw of a convolution along the channels. */
export const channelConvWeightGradient: Lower = (node, context) => {
  const attrs = node.attrs as ChannelConvolution;
  const [x, dy, dw] = [...node.inputs, node.outputs[0]];
  const [kernels, , length, kh, kw] = dw.shape;
  const sizes = sizesOf(x.shape, dw.shape, dy.shape, attrs);
  const own = dealt(context.at(x), x.shape, sizes, context);
  const other = split(context.at(dy), dy.shape, sizes, 0, context);
  const parts = Math.ceil((sizes.margin + 1) / TAPS);
  const [n, , outHeight, outWidth] = dy.shape;
  const pointers = { dw: context.at(dw), x: own.rows.at, dy: other.rows.at };
  const rows = { xRow: own.rows.length * 4, dyRow: other.rows.length * 4, kernels, length, stride: attrs.stride, windows: sizes.windows };
  const window = { kh, kw, width: x.shape[3], outHeight, outWidth, pixels: n * outHeight * outWidth, parts };
  return [own.step, other.step, step(weightGradient, kernels * kh * kw * attrs.stride * parts, { ...pointers, ...rows, ...window })];
};
