/**
 * Pooling over windows clipped to the image, so padding never wins a maximum nor enters a sum. Four channels a vector. A unit is one row
 * of the output. The mean over the whole image adds its pixels in order, four vectors of channels at a time where there are so many.
 */

import type { Node } from "../../../ir/graph.ts";
import type { AveragePool } from "../../../ops/averageWindows.ts";
import type { Extent2, Window } from "../../../ops/window.ts";
import { f32, f32x4, i32, type Local, type V128, v128 } from "../assembler.ts";
import { type Epilogue, epilogueOf } from "../epilogue.ts";
import { type Lower, type LowerContext, type Step, step } from "../kernel.ts";
import { pad4 } from "../layout.ts";
import { type Arguments, type Fields, wasmKernel } from "../module.ts";
import { hasActivations } from "./activations.ts";
import { expressions } from "./expressions.ts";
import { type ClippedWindow, clippedWindow, windowArgs, windowFields } from "./window.ts";

const baseFields = { ...windowFields, x: "i32", y: "i32", pixel: "i32" } as const;
type Args = Arguments<typeof baseFields & { readonly share: "f32" }>;

/** How the pixels of a window become one: `mean` multiplies by `share`, `clippedMean` divides by the pixels inside the image. */
type Reduction = "maximum" | "mean" | "clippedMean";

function inside({ firstRow, lastRow, firstColumn, lastColumn }: ClippedWindow): ReturnType<typeof i32.mul> {
  return lastRow.minus(firstRow).times(lastColumn.minus(firstColumn));
}

function poolKernel(reduction: Reduction, epilogue: Epilogue): ReturnType<typeof wasmKernel<Fields>> {
  const fields = { ...baseFields, ...(reduction === "mean" ? { share: "f32" as const } : {}), ...epilogue.fields };
  return wasmKernel<Fields>(`pool ${reduction}${epilogue.key}`, fields, (given, k) => {
    const args = given as unknown as Args;
    const finish = epilogue.begin(k, given as unknown as Arguments<Record<string, "i32">>);
    const share = k.variable("v128");
    const least = k.local(f32x4.const(reduction === "maximum" ? Number.NEGATIVE_INFINITY : 0));
    const sum = k.variable("v128");
    if (reduction === "mean") share.set(f32x4.splat(args.share));
    clippedWindow(k, args, (window) => {
      if (reduction === "clippedMean") share.set(f32x4.splat(f32.div(f32.const(1), f32.fromI32(inside(window)))));
      k.for({ to: args.pixel, step: 16 }, (channel) => {
        sum.set(least);
        k.for({ from: window.firstRow, to: window.lastRow }, (row) => {
          const line = window.line.plus(row).times(args.width).plus(window.firstColumn);
          const from = k.local(args.x.plus(line.times(args.pixel)).plus(channel));
          k.for({ from: window.firstColumn, to: window.lastColumn }, () => {
            const pixel = v128.load(from);
            sum.set(reduction === "maximum" ? f32x4.max(sum, pixel) : f32x4.add(sum, pixel));
            from.add(args.pixel);
          });
        });
        const at = k.local(window.output.times(args.pixel).plus(channel));
        k.store(args.y.plus(at), finish(reduction === "maximum" ? sum : f32x4.mul(sum, share), at));
      });
    });
  });
}

function pool(node: Node, context: LowerContext, reduction: Reduction): readonly Step[] | undefined {
  const epilogue = epilogueOf(node, context, expressions);
  if (!epilogue || !hasActivations(node, context)) return undefined;
  const [x] = node.inputs;
  const [y] = node.outputs;
  const { kernel, stride, padding } = node.attrs as Window;
  const size: Extent2 = [x.shape[2], x.shape[3]];
  const outSize: Extent2 = [y.shape[2], y.shape[3]];
  const args = {
    ...windowArgs({ size, outSize, kernel, stride, before: [padding[0], padding[2]] }),
    x: context.at(x),
    y: context.at(y),
    pixel: pad4(x.shape[1]) * 4,
    ...(reduction === "mean" ? { share: 1 / (kernel[0] * kernel[1]) } : {}),
    ...epilogue.args,
  };
  const isSmall = reduction === "maximum" && kernel[0] * kernel[1] <= MOST_PIXELS;
  return [step(isSmall ? maximumKernel(kernel, epilogue) : poolKernel(reduction, epilogue), y.shape[0] * outSize[0], args)];
}

/** Kernels of more pixels are not written out. */
const MOST_PIXELS = 25;

/**
 * The maximum over a small kernel, written out. Rows and columns outside the image are replaced by the nearest ones inside, which belong to
 * the same window: that changes no maximum, and no window needs a branch.
 */
function maximumKernel([rows, columns]: Extent2, epilogue: Epilogue): ReturnType<typeof wasmKernel<Fields>> {
  const fields = { ...baseFields, ...epilogue.fields };
  return wasmKernel<Fields>(`pool maximum ${rows}x${columns}${epilogue.key}`, fields, (given, k) => {
    const args = given as unknown as Args;
    const finish = epilogue.begin(k, given as unknown as Arguments<Record<string, "i32">>);
    const within = (at: number, first: Local<"i32">, last: Local<"i32">, corner: Local<"i32">) => {
      return k.local(i32.max(first, i32.min(corner.plus(at), last.minus(1))));
    };
    clippedWindow(k, args, ({ line, inputRow, inputColumn, firstRow, lastRow, firstColumn, lastColumn, output }) => {
      const lines = Array.from({ length: rows }, (_, at) => {
        const row = line.plus(within(at, firstRow, lastRow, inputRow));
        return k.local(args.x.plus(row.times(args.width).times(args.pixel)));
      });
      const places = Array.from({ length: columns }, (_, at) =>
        k.local(within(at, firstColumn, lastColumn, inputColumn).times(args.pixel)),
      );
      const to = k.local(output.times(args.pixel));
      const most = k.variable("v128");
      k.for({ to: args.pixel, step: 16 }, (channel) => {
        const pixels: V128[] = lines.flatMap((start) => places.map((place) => k.local(v128.load(start.plus(place).plus(channel)))));
        // A comparing maximum is one instruction but forgets NaNs; all ones, where some pixel is one, is a NaN again.
        const nans = pixels.map((pixel) => f32x4.ne(pixel, pixel)).reduce(v128.or);
        most.set(v128.or(pixels.reduce(f32x4.pmax), nans));
        const at = k.local(to.plus(channel));
        k.store(args.y.plus(at), finish(most, at));
      });
    });
  });
}

/** Steps of the maximum of each window. */
export const maxPool: Lower = (node, context) => pool(node, context, "maximum");

/** Steps of the mean of each window. */
export const averagePool: Lower = (node, context) => {
  return pool(node, context, (node.attrs as AveragePool).countsPadding ? "mean" : "clippedMean");
};

const globalFields = { x: "i32", y: "i32", pixel: "i32", image: "i32", blocks: "i32", share: "f32" } as const;

/** Vectors of channels whose sums are in registers at one time. */
const BLOCK = 4;

/** Adds up all pixels of `vectors` vectors of channels at byte `channel`. */
function sumImage(
  k: Parameters<Parameters<typeof wasmKernel>[2]>[1],
  from: Local<"i32">,
  to: Local<"i32">,
  pixel: Local<"i32">,
  vectors: number,
): V128[] {
  const sums = Array.from({ length: vectors }, () => k.local(f32x4.const(0)));
  k.for({ from, to, step: pixel }, (at) => {
    for (const [i, sum] of sums.entries()) sum.set(f32x4.add(sum, v128.load(at, i * 16)));
  });
  return sums;
}

/** Units are blocks of channels of one image. `image` and `pixel` are bytes. */
function globalKernel(epilogue: Epilogue): ReturnType<typeof wasmKernel<Fields>> {
  return wasmKernel<Fields>(`global mean${epilogue.key}`, { ...globalFields, ...epilogue.fields }, (given, k) => {
    const { x, y, pixel, image, blocks, share, begin, end } = given as unknown as Arguments<typeof globalFields>;
    const finish = epilogue.begin(k, given as unknown as Arguments<Record<string, "i32">>);
    const scale = k.local(f32x4.splat(share));
    k.for({ from: begin, to: end }, (unit) => {
      const number = k.local(i32.divU(unit, blocks));
      const channel = k.local(unit.minus(number.times(blocks)).times(BLOCK * 16));
      const reduce = (vectors: number): void => {
        const from = k.local(x.plus(number.times(image)).plus(channel));
        const sums = sumImage(k, from, k.local(from.plus(image)), pixel, vectors);
        for (const sum of sums) {
          const at = k.local(number.times(pixel).plus(channel));
          k.store(y.plus(at), finish(f32x4.mul(sum, scale), at));
          channel.add(16);
        }
      };
      const last = k.local(pixel);
      k.if(
        i32.le(channel.plus(BLOCK * 16), last),
        () => reduce(BLOCK),
        () =>
          k.while(
            () => i32.lt(channel, last),
            () => reduce(1),
          ),
      );
    });
  });
}

/** Steps of the mean over all pixels. */
export const globalAveragePool: Lower = (node, context) => {
  const epilogue = epilogueOf(node, context, expressions);
  if (!epilogue || !hasActivations(node, context)) return undefined;
  const [x] = node.inputs;
  const [n, c, h, w] = x.shape;
  const pixel = pad4(c) * 4;
  const blocks = Math.ceil(pixel / (BLOCK * 16));
  const args = {
    x: context.at(x),
    y: context.at(node.outputs[0]),
    pixel,
    image: h * w * pixel,
    blocks,
    share: 1 / (h * w),
    ...epilogue.args,
  };
  return [step(globalKernel(epilogue), n * blocks, args)];
};
