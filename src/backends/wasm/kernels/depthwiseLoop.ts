/**
 * Depthwise convolution by a kernel of any size: taps in a loop that is clipped to the image, so padding costs nothing. One output pixel
 * and four channels at a time; a unit is one row of the output. depthwise.ts is faster for kernels small enough to be written out.
 */
import { f32x4, v128 } from "../assembler.ts";
import { type Step, step } from "../kernel.ts";
import { pad4 } from "../layout.ts";
import { type Arguments, type Fields, wasmKernel } from "../module.ts";
import type { Depthwise } from "./depthwise.ts";
import { clippedWindow, windowArgs, windowFields } from "./window.ts";

const baseFields = { ...windowFields, x: "i32", y: "i32", packed: "i32", pixel: "i32" } as const;
type Args = Arguments<typeof baseFields & { readonly bias: "i32"; readonly own: "i32" }>;

/** The steps of one depthwise convolution. */
export function depthwiseLoopSteps({ tap, x, y, packed, own, bias, epilogue, images, channels, ...window }: Depthwise): readonly Step[] {
  const key = `depthwise loop${tap.key}${bias ? " bias" : ""}${epilogue?.key ?? ""}`;
  const owned: Fields = own ? { own: "i32" } : {};
  const fields = { ...baseFields, ...owned, ...(bias ? { bias: "i32" as const } : {}), ...epilogue?.fields };
  const kernel = wasmKernel<Fields>(key, fields, (given, k) => {
    const args = given as unknown as Args;
    const finish = epilogue?.begin(k, given as unknown as Arguments<Record<string, "i32">>) ?? ((sum) => sum);
    const { add, own: ownOf, finish: finishSum } = tap.begin(k);
    const filterBytes = k.local(args.kernelHeight.times(args.kernelWidth).times(16));
    clippedWindow(k, args, ({ line, firstRow, lastRow, firstColumn, lastColumn, inputRow, inputColumn, output }) => {
      const filter = k.local(args.packed);
      const sum = k.variable("v128");
      k.for({ to: args.pixel, step: 16 }, (channel) => {
        const at = k.local(output.times(args.pixel).plus(channel));
        const third = own && k.local(ownOf(v128.load(args.own.plus(at))));
        sum.set(bias ? v128.load(args.bias.plus(channel)) : f32x4.const(0));
        k.for({ from: firstRow, to: lastRow }, (row) => {
          const from = k.local(args.x.plus(line.plus(row).times(args.width).plus(firstColumn).times(args.pixel)).plus(channel));
          const tap = k.local(row.minus(inputRow).times(args.kernelWidth).plus(firstColumn).minus(inputColumn));
          const weight = k.local(filter.plus(tap.times(16)));
          k.for({ from: firstColumn, to: lastColumn }, () => {
            sum.set(add(sum, k.local(v128.load(from)), k.local(v128.load(weight)), third, undefined));
            from.add(args.pixel);
            weight.add(16);
          });
        });
        k.store(args.y.plus(at), finish(finishSum(sum, third), at));
        filter.add(filterBytes);
      });
    });
  });
  const sources = { x, y, packed, ...(own ? { own } : {}), ...(bias ? { bias } : {}) };
  const args = { ...windowArgs(window), ...sources, pixel: pad4(channels) * 4, ...epilogue?.args };
  return [step(kernel, images * window.outSize[0], args)];
}
