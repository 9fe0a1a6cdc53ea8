/** Pooling of bytes, sixteen channels a vector; windows are clipped to the image. Means are sums of 32 bits that go back to bytes. */
import type { Node } from "../../../../ir/graph.ts";
import type { AveragePool } from "../../../../ops/averageWindows.ts";
import type { IntegerMean } from "../../../../ops/integerAveragePool.ts";
import type { Window } from "../../../../ops/window.ts";
import { type Code, f32, f32x4, i8x16, i32, i32x4, type Local, type V128, v128 } from "../../assembler.ts";
import { type Lower, type LowerContext, step } from "../../kernel.ts";
import { lanesOf } from "../../layout.ts";
import { type Arguments, wasmKernel } from "../../module.ts";
import { type ClippedWindow, clippedWindow, windowArgs, windowFields } from "../window.ts";
import { narrowed, widened } from "./elementwiseBytes.ts";

const fields = { ...windowFields, x: "i32", y: "i32", pixel: "i32" } as const;
const meanFields = { ...fields, zero: "i32", ratio: "f32", offset: "f32", share: "f32" } as const;

/** Visits the vectors of channels of one window: where each of its pixels begins. A pixel of four bytes is one such vector, too. */
function eachChannel(k: Code, args: Arguments<typeof fields>, visit: (channel: Local<"i32">) => void): void {
  k.for({ to: args.pixel, step: 16 }, visit);
}

function eachPixel(
  k: Code,
  args: Arguments<typeof fields>,
  { line, firstRow, lastRow, firstColumn, lastColumn }: ClippedWindow,
  channel: Local<"i32">,
  visit: (at: Local<"i32">) => void,
): void {
  k.for({ from: firstRow, to: lastRow }, (row) => {
    const from = k.local(args.x.plus(line.plus(row).times(args.width).plus(firstColumn).times(args.pixel)).plus(channel));
    k.for({ from: firstColumn, to: lastColumn }, () => {
      visit(from);
      from.add(args.pixel);
    });
  });
}

/** Stores sixteen channels, or the four of a thin pixel. */
function storePixel(k: Code, args: Arguments<typeof fields>, output: Local<"i32">, channel: Local<"i32">, bytes: V128): void {
  const held = k.local(bytes);
  const at = k.local(args.y.plus(output.times(args.pixel)).plus(channel));
  k.if(
    i32.lt(args.pixel, 16),
    () => k.storeLow(at, held, 4),
    () => k.store(at, held),
  );
}

const maximum = wasmKernel("pool bytes maximum", fields, (args, k) => {
  const most = k.variable("v128");
  clippedWindow(k, args, (window) => {
    eachChannel(k, args, (channel) => {
      most.set(v128.const32(0, 0, 0, 0));
      eachPixel(k, args, window, channel, (at) => most.set(i8x16.maxU(most, v128.load(at))));
      storePixel(k, args, window.output, channel, most);
    });
  });
});

function meanKernel(isClipped: boolean): ReturnType<typeof wasmKernel<typeof meanFields>> {
  return wasmKernel(`pool bytes ${isClipped ? "clipped mean" : "mean"}`, meanFields, (args, k) => {
    const share = k.local(f32x4.splat(args.share));
    const offset = k.local(f32x4.splat(args.offset));
    const sums = Array.from({ length: 4 }, () => k.variable("v128"));
    clippedWindow(k, args, (window) => {
      const { firstRow, lastRow, firstColumn, lastColumn } = window;
      const pixels = k.local(i32.max(lastRow.minus(firstRow), 0).times(i32.max(lastColumn.minus(firstColumn), 0)));
      if (isClipped) share.set(f32x4.splat(f32.div(args.ratio, f32.fromI32(pixels))));
      const start = k.local(i32x4.splat(i32.sub(0, pixels.times(args.zero))));
      eachChannel(k, args, (channel) => {
        for (const sum of sums) sum.set(start);
        eachPixel(k, args, window, channel, (at) => {
          for (const [i, part] of widened(k.local(v128.load(at))).entries()) sums[i].set(i32x4.add(sums[i], part));
        });
        const scaled = sums.map((sum) => k.truncate(f32x4.add(f32x4.mul(f32x4.fromI32x4(sum), share), offset)));
        const most = i8x16.splat(127);
        storePixel(k, args, window.output, channel, i8x16.minU(narrowed(scaled), most));
      });
    });
  });
}

/** The arguments that both reductions share, and the number of units: rows of the output. */
function walk(node: Node, context: LowerContext, { kernel, stride, padding }: Window) {
  const [x] = node.inputs;
  const [y] = node.outputs;
  const sizes = {
    size: [x.shape[2], x.shape[3]],
    outSize: [y.shape[2], y.shape[3]],
    kernel,
    stride,
    before: [padding[0], padding[2]],
  } as const;
  const args = { ...windowArgs(sizes), x: context.at(x), y: context.at(y), pixel: lanesOf(x.shape[1], "u7") };
  return { args, units: y.shape[0] * y.shape[2] };
}

/** Steps of the maximum of each window of bytes. */
export const maxPoolBytes: Lower = (node, context) => {
  if (node.epilogue.length > 0) return undefined;
  const { args, units } = walk(node, context, node.attrs as Window);
  return [step(maximum, units, args)];
};

/** Steps of the mean of each window. */
export const integerAveragePool: Lower = (node, context) => {
  const attrs = node.attrs as AveragePool & IntegerMean;
  const { args, units } = walk(node, context, attrs);
  const { zero, ratio, offset, kernel } = attrs;
  const share = Math.fround(Math.fround(ratio) / (kernel[0] * kernel[1]));
  return [step(meanKernel(!attrs.countsPadding), units, { ...args, zero, ratio, offset, share })];
};

/** Steps of the mean of each plane: one window. */
export const integerGlobalAveragePool: Lower = (node, context) => {
  const { zero, ratio, offset } = node.attrs as IntegerMean;
  const [, , h, w] = node.inputs[0].shape;
  const window: Window = { kernel: [h, w], stride: [1, 1], padding: [0, 0, 0, 0] };
  const { args, units } = walk(node, context, window);
  return [step(meanKernel(false), units, { ...args, zero, ratio, offset, share: Math.fround(Math.fround(ratio) / (h * w)) })];
};
