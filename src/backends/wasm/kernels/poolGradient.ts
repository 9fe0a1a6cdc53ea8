/**
 * Gradients of pooling. dx starts at zero and every window adds to its pixels, so a unit owns whole images: one image by a block of channels.
 * The maximum of a window is found again from x: the first of equals in reading order, and NaN wins, as in the forward pass.
 */

import type { Node } from "../../../ir/graph.ts";
import type { AveragePoolGradient } from "../../../ops/averagePool.ts";
import type { Window } from "../../../ops/window.ts";
import { type Code, f32, f32x4, i32, i32x4, type Local, v128 } from "../assembler.ts";
import { type Lower, type LowerContext, type Step, step } from "../kernel.ts";
import { pad4 } from "../layout.ts";
import { type Arguments, wasmKernel } from "../module.ts";
import { windowArgs, windowFields } from "./window.ts";

/** Vectors of channels in a unit: one cache line. */
const BLOCK = 4;

const fields = { ...windowFields, dx: "i32", dy: "i32", pixel: "i32", blocks: "i32" } as const;
type Args = Arguments<typeof fields>;

/** One window and vector of channels: the pixels inside the image, and pointers to the image's first pixel at these channels. */
interface Place {
  readonly firstRow: Local<"i32">;
  readonly lastRow: Local<"i32">;
  readonly firstColumn: Local<"i32">;
  readonly lastColumn: Local<"i32">;
  readonly channel: Local<"i32">;
  /** Bytes from an image's start in x and dx. */
  readonly imageStart: Local<"i32">;
  readonly slope: Local<"v128">;
}

/** Zeroes the unit's part of dx, then visits every window and vector of channels. */
function eachWindow(k: Code, args: Args, visit: (place: Place) => void): void {
  k.for({ from: args.begin, to: args.end }, (unit) => {
    const image = k.local(i32.divU(unit, args.blocks));
    const first = k.local(unit.minus(image.times(args.blocks)).times(BLOCK * 16));
    const last = k.local(i32.min(first.plus(BLOCK * 16), args.pixel));
    const area = k.local(args.height.times(args.width).times(args.pixel));
    const imageStart = k.local(image.times(area));
    const start = k.local(args.dx.plus(imageStart));
    k.for({ from: start, to: k.local(start.plus(area)), step: args.pixel }, (at) => {
      k.for({ from: first, to: last, step: 16 }, (channel) => k.store(at.plus(channel), f32x4.const(0)));
    });
    const dy = k.local(args.dy.plus(image.times(args.outHeight).times(args.outWidth).times(args.pixel)));
    k.for({ to: args.outHeight }, (row) => {
      const y0 = k.local(row.times(args.strideRows).minus(args.top));
      const firstRow = k.local(i32.max(y0, 0));
      const lastRow = k.local(i32.min(y0.plus(args.kernelHeight), args.height));
      k.for({ to: args.outWidth }, (column) => {
        const x0 = k.local(column.times(args.strideColumns).minus(args.left));
        const firstColumn = k.local(i32.max(x0, 0));
        const lastColumn = k.local(i32.min(x0.plus(args.kernelWidth), args.width));
        k.for({ from: first, to: last, step: 16 }, (channel) => {
          const slope = k.local(v128.load(dy.plus(channel)));
          visit({ firstRow, lastRow, firstColumn, lastColumn, channel, imageStart, slope });
        });
        dy.add(args.pixel);
      });
    });
  });
}

/** Visits the bytes from the image's start to each pixel of a window, in reading order. */
function eachPixel(k: Code, args: Args, place: Place, visit: (at: Local<"i32">) => void): void {
  k.for({ from: place.firstRow, to: place.lastRow }, (row) => {
    const line = k.local(place.imageStart.plus(row.times(args.width).times(args.pixel)).plus(place.channel));
    const end = k.local(line.plus(place.lastColumn.times(args.pixel)));
    k.for({ from: line.plus(place.firstColumn.times(args.pixel)), to: end, step: args.pixel }, visit);
  });
}

const maximum = wasmKernel("maxPoolGradient", { ...fields, x: "i32" }, (args, k) => {
  const best = k.variable("v128");
  const where = k.variable("v128");
  eachWindow(k, args, (place) => {
    best.set(f32x4.const(Number.NEGATIVE_INFINITY));
    where.set(i32x4.splat(-1));
    eachPixel(k, args, place, (at) => {
      const x = k.local(v128.load(args.x.plus(at)));
      const isFirst = i32x4.eq(where, i32x4.splat(-1));
      const isBest = k.local(v128.or(v128.or(f32x4.gt(x, best), f32x4.ne(x, x)), isFirst));
      best.set(v128.select(isBest, x, best));
      where.set(v128.select(isBest, i32x4.splat(at), where));
    });
    eachPixel(k, args, place, (at) => {
      const to = k.local(args.dx.plus(at));
      const share = v128.and(place.slope, i32x4.eq(where, i32x4.splat(at)));
      k.store(to, f32x4.add(v128.load(to), share));
    });
  });
});

const mean = wasmKernel("averagePoolGradient", { ...fields, countsPadding: "i32" }, (args, k) => {
  const whole = k.local(args.kernelHeight.times(args.kernelWidth));
  eachWindow(k, args, (place) => {
    const { firstRow, lastRow, firstColumn, lastColumn } = place;
    const inside = lastRow.minus(firstRow).times(lastColumn.minus(firstColumn));
    const count = f32.fromI32(i32.select(args.countsPadding, whole, inside));
    const share = k.local(f32x4.div(place.slope, f32x4.splat(count)));
    eachPixel(k, args, place, (at) => {
      const to = k.local(args.dx.plus(at));
      k.store(to, f32x4.add(v128.load(to), share));
    });
  });
});

/** Arguments and units that both gradients share. */
function sizesOf(
  node: Node,
  dyAt: number,
  context: LowerContext,
): { readonly units: number; readonly args: Readonly<Record<keyof typeof fields, never>> } {
  const [, , outHeight, outWidth] = node.inputs[dyAt].shape;
  const [images, channels, height, width] = node.outputs[0].shape;
  const { kernel, stride, padding } = node.attrs as Window;
  const pixel = pad4(channels) * 4;
  const blocks = Math.ceil(pixel / (BLOCK * 16));
  const sizes = windowArgs({ size: [height, width], outSize: [outHeight, outWidth], kernel, stride, before: [padding[0], padding[2]] });
  const args = { ...sizes, dx: context.at(node.outputs[0]), dy: context.at(node.inputs[dyAt]), pixel, blocks };
  return { units: images * blocks, args: args as never };
}

export const maxPoolGradient: Lower = (node, context) => {
  const { units, args } = sizesOf(node, 2, context);
  return [step(maximum, units, { ...args, x: context.at(node.inputs[0]) })];
};

export const averagePoolGradient: Lower = (node, context): readonly Step[] => {
  const { units, args } = sizesOf(node, 0, context);
  return [step(mean, units, { ...args, countsPadding: (node.attrs as AveragePoolGradient).countsPadding ? 1 : 0 })];
};

const globalFields = { dx: "i32", dy: "i32", pixel: "i32", area: "i32", share: "f32" } as const;

/** Units are images. */
const globalMean = wasmKernel("globalAveragePoolGradient", globalFields, ({ dx, dy, pixel, area, share, begin, end }, k) => {
  const scale = k.local(f32x4.splat(share));
  k.for({ from: begin, to: end }, (image) => {
    k.for({ to: pixel, step: 16 }, (channel) => {
      const slope = k.local(f32x4.mul(v128.load(dy.plus(image.times(pixel)).plus(channel)), scale));
      const at = k.local(dx.plus(image.times(area).times(pixel)).plus(channel));
      k.for({ to: area }, () => {
        k.store(at, slope);
        at.add(pixel);
      });
    });
  });
});

export const globalAveragePoolGradient: Lower = (node, context) => {
  const [n, c, h, w] = node.outputs[0].shape;
  const [dx, dy] = [context.at(node.outputs[0]), context.at(node.inputs[0])];
  return [step(globalMean, n, { dx, dy, pixel: pad4(c) * 4, area: h * w, share: 1 / (h * w) })];
};
