/**
 * Convolution along the channels, and its input's gradient, over the rows of channelRows.ts. A vector of neighbouring results is a sum of runs:
 * the filter's taps of one remainder, each times a vector that lies one float further on (forward) or back (gradient). Vectors of results of the
 * gradient are a stride apart.
 */
import type { Shape } from "../../../core/shape.ts";
import type { ChannelConvolution } from "../../../ops/channelConvolution.ts";
import { type Code, type Expr, f32, f32x4, type I32, i32, type Local, type V128, v128 } from "../assembler.ts";
import { type Lower, step } from "../kernel.ts";
import { pad4 } from "../layout.ts";
import { wasmKernel } from "../module.ts";
import { dealt, type Rows, sizesOf, split } from "./channelRows.ts";

/** Vectors of results that share a tap. */
const WIDE = 8;

interface Run {
  readonly from: I32;
  readonly filter: I32;
  readonly filterStep: I32;
  readonly taps: I32;
}

/** Adds a run to sums of neighbouring results; the source moves by `by` bytes a tap. */
function addRun(k: Code, sums: readonly Local<"v128">[], by: number, { from, filter, filterStep, taps }: Run): void {
  const at = k.local(i32.add(from, 0));
  const tap = k.local(i32.add(filter, 0));
  k.for({ to: taps }, () => {
    const f = k.local(f32x4.loadSplat(tap));
    for (const [i, sum] of sums.entries()) sum.set(k.madd(v128.load(at, i * 16), f, sum));
    at.add(by);
    tap.add(filterStep);
  });
}

/** Some vectors of results at a time, then one by one, the last of which may be partial. */
function eachTile(k: Code, count: Local<"i32">, tile: (at: Local<"i32">, sums: readonly Local<"v128">[]) => void): void {
  const sums = Array.from({ length: WIDE }, () => k.variable("v128"));
  const clear = (used: readonly Local<"v128">[]): readonly Local<"v128">[] => {
    for (const sum of used) sum.set(f32x4.const(0));
    return used;
  };
  const whole = k.local(i32.and(count, -4 * WIDE));
  k.for({ to: whole, step: 4 * WIDE }, (at) => tile(at, clear(sums)));
  k.for({ from: whole, to: count, step: 4 }, (at) => tile(at, clear(sums.slice(0, 1))));
}

/** Stores the first `left` lanes of a vector, `spacing` bytes apart. */
function storeLanes(k: Code, to: Local<"i32">, value: V128, left: I32, spacing: Local<"i32">): void {
  const held = k.local(i32.add(left, 0));
  const lane = k.local(to);
  k.store(lane, f32.lane(value, 0));
  for (const i of [1, 2, 3]) {
    lane.add(spacing);
    k.if(i32.gt(held, i), () => k.store(lane, f32.lane(value, i)));
  }
}

/** Zeros in the lanes that pad a pixel's channels; all in bytes. */
function clearLanes(k: Code, pixel: Local<"i32">, used: I32, all: Local<"i32">): void {
  k.for({ from: used, to: all, step: 4 }, (lane) => k.store(pixel.plus(lane), f32.const(0)));
}

const shared = {
  ...({
    y: "i32",
    source: "i32",
    filter: "i32",
    pixel: "i32",
    row: "i32",
    rows: "i32",
    kernels: "i32",
    length: "i32",
    stride: "i32",
  } as const),
  ...({ kh: "i32", kw: "i32", height: "i32", width: "i32", outHeight: "i32", outWidth: "i32", pixels: "i32", block: "i32" } as const),
} as const;

/** Taps of remainder p. */
function tapsOf(a: { length: Local<"i32">; stride: Local<"i32"> }, p: Local<"i32">): Expr<"i32"> {
  return i32.div(a.length.minus(p).plus(a.stride).minus(1), a.stride);
}

const forward = wasmKernel("channel convolution", { ...shared, windows: "i32" }, (a, k) => {
  const area = k.local(a.kh.times(a.kw).times(4));
  const filterStep = k.local(area.times(a.stride));
  const sourcePixel = k.local(a.row.times(a.rows));
  const phases = k.local(i32.min(a.stride, a.length));
  k.for({ from: a.begin.times(a.block), to: i32.min(a.end.times(a.block), a.pixels) }, (pixel) => {
    const line = k.local(i32.div(pixel, a.outWidth));
    const ox = k.local(pixel.minus(line.times(a.outWidth)));
    const image = k.local(i32.div(line, a.outHeight));
    const corner = k.local(
      line
        .plus(image.times(a.kh.minus(1)))
        .times(a.width)
        .plus(ox),
    );
    const to = k.local(a.y.plus(pixel.times(a.pixel)));
    const filter = k.local(a.filter);
    k.for({ to: a.kernels }, (kernel) => {
      eachTile(k, a.windows, (at, sums) => {
        k.for({ to: a.kh }, (ky) => {
          k.for({ to: a.kw }, (kx) => {
            const from = k.local(a.source.plus(corner.plus(ky.times(a.width)).plus(kx).times(sourcePixel)).plus(at.times(4)));
            const tap = k.local(filter.plus(ky.times(a.kw).plus(kx).times(4)));
            k.for({ to: phases }, (p) => {
              addRun(k, sums, 4, { from, filter: tap, filterStep, taps: tapsOf(a, p) });
              from.add(a.row);
              tap.add(area);
            });
          });
        });
        const result = k.local(to.plus(kernel.times(a.windows).plus(at).times(4)));
        const left = k.local(a.windows.minus(at));
        const four = k.local(i32.const(4));
        for (const [i, sum] of sums.entries()) {
          k.if(
            i32.ge(left, 4 * i + 4),
            () => k.store(result, sum, i * 16),
            () => storeLanes(k, result, sum, left, four),
          );
        }
      });
      filter.add(area.times(a.length));
    });
    clearLanes(k, to, a.kernels.times(a.windows).times(4), a.pixel);
  });
});

const inputGradient = wasmKernel(
  "channel convolution: input gradient",
  { ...shared, channels: "i32", before: "i32", margin: "i32" },
  (a, k) => {
    const area = k.local(a.kh.times(a.kw).times(4));
    const filterStep = k.local(area.times(a.stride));
    const kernelBytes = k.local(area.times(a.length));
    const sourcePixel = k.local(a.row.times(a.rows));
    const spacing = k.local(a.stride.times(4));
    k.for({ from: a.begin.times(a.block), to: i32.min(a.end.times(a.block), a.pixels) }, (pixel) => {
      const line = k.local(i32.div(pixel, a.width));
      const x = k.local(pixel.minus(line.times(a.width)));
      const image = k.local(i32.div(line, a.height));
      const y = k.local(line.minus(image.times(a.height)));
      const to = k.local(a.y.plus(pixel.times(a.pixel)));
      k.for({ to: a.stride }, (p) => {
        // The first place of this remainder whose channel is not padding, and how many channels from there on are of it.
        const low = k.local(i32.div(i32.max(a.before.minus(p), 0).plus(a.stride).minus(1), a.stride));
        const first = k.local(low.times(a.stride).plus(p).minus(a.before));
        const count = k.local(i32.div(i32.max(a.channels.minus(first), 0).plus(a.stride).minus(1), a.stride));
        const taps = k.local(tapsOf(a, p));
        eachTile(k, count, (at, sums) => {
          k.for({ from: i32.max(y.minus(a.outHeight).plus(1), 0), to: i32.min(a.kh, y.plus(1)) }, (ky) => {
            k.for({ from: i32.max(x.minus(a.outWidth).plus(1), 0), to: i32.min(a.kw, x.plus(1)) }, (kx) => {
              const place = image.times(a.outHeight).plus(y).minus(ky).times(a.outWidth).plus(x).minus(kx);
              const from = k.local(a.source.plus(place.times(sourcePixel)).plus(a.margin.plus(low).plus(at).times(4)));
              const tap = k.local(a.filter.plus(p.times(area)).plus(ky.times(a.kw).plus(kx).times(4)));
              k.for({ to: a.kernels }, () => {
                addRun(k, sums, -4, { from, filter: tap, filterStep, taps });
                from.add(a.row);
                tap.add(kernelBytes);
              });
            });
          });
          const result = k.local(to.plus(first.plus(at.times(a.stride)).times(4)));
          const left = k.local(count.minus(at));
          for (const sum of sums) {
            storeLanes(k, result, sum, left, spacing);
            result.add(spacing.times(4));
            left.add(-4);
          }
        });
      });
      clearLanes(k, to, a.channels.times(4), a.pixel);
    });
  },
);

function geometry(x: Shape, weight: Shape, y: Shape, results: Shape, rows: Rows) {
  const [kernels, , length, kh, kw] = weight;
  const [n, c, h, w] = results;
  const sizes = { kernels, length, kh, kw, height: x[2], width: x[3], outHeight: y[2], outWidth: y[3] };
  const block = Math.max(1, Math.min(n * h * w, Math.floor(2048 / (c * kh * kw))));
  return {
    ...sizes,
    pixel: pad4(c) * 4,
    row: rows.length * 4,
    rows: rows.count,
    pixels: n * h * w,
    block,
    units: Math.ceil((n * h * w) / block),
  };
}

/** y of a convolution along the channels. */
export const channelConv: Lower = (node, context) => {
  if (node.epilogue.length > 0) return undefined;
  const attrs = node.attrs as ChannelConvolution;
  const [x, weight, y] = [...node.inputs, node.outputs[0]];
  const sizes = sizesOf(x.shape, weight.shape, y.shape, attrs);
  const { rows, step: deal } = dealt(context.at(x), x.shape, sizes, context);
  const { units, ...rest } = geometry(x.shape, weight.shape, y.shape, y.shape, rows);
  const pointers = { y: context.at(y), source: rows.at, filter: context.at(weight) };
  return [deal, step(forward, units, { ...pointers, ...rest, stride: attrs.stride, windows: sizes.windows })];
};

/** dx of a convolution along the channels. */
export const channelConvInputGradient: Lower = (node, context) => {
  const attrs = node.attrs as ChannelConvolution;
  const [dy, weight, dx] = [...node.inputs, node.outputs[0]];
  const sizes = sizesOf(dx.shape, weight.shape, dy.shape, attrs);
  const { rows, step: spread } = split(context.at(dy), dy.shape, sizes, sizes.margin, context);
  const { units, ...rest } = geometry(dx.shape, weight.shape, dy.shape, dx.shape, rows);
  const pointers = { y: context.at(dx), source: rows.at, filter: context.at(weight) };
  const { stride, before, margin } = sizes;
  return [spread, step(inputGradient, units, { ...pointers, ...rest, stride, channels: dx.shape[1], before, margin })];
};
