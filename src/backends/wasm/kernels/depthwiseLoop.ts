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
type Args = Arguments<typeof baseFields & { readonly bias: "i32" }>;

/** The steps of one depthwise convolution. */
export function depthwiseLoopSteps({ x, y, packed, bias, epilogue, images, channels, ...window }: Depthwise): readonly Step[] {
  const key = `depthwise loop${bias ? " bias" : ""}${epilogue?.key ?? ""}`;
  const fields = { ...baseFields, ...(bias ? { bias: "i32" as const } : {}), ...epilogue?.fields };
  const kernel = wasmKernel<Fields>(key, fields, (given, k) => {
    const args = given as unknown as Args;
    const finish = epilogue?.begin(k, given as unknown as Arguments<Record<string, "i32">>) ?? ((sum) => sum);
    const filterBytes = k.local(args.kernelHeight.times(args.kernelWidth).times(16));
    clippedWindow(k, args, ({ line, firstRow, lastRow, firstColumn, lastColumn, inputRow, inputColumn, output }) => {
      const filter = k.local(args.packed);
      const sum = k.variable("v128");
      k.for({ to: args.pixel, step: 16 }, (channel) => {
        sum.set(bias ? v128.load(args.bias.plus(channel)) : f32x4.const(0));
        k.for({ from: firstRow, to: lastRow }, (row) => {
          const from = k.local(args.x.plus(line.plus(row).times(args.width).plus(firstColumn).times(args.pixel)).plus(channel));
          const tap = k.local(row.minus(inputRow).times(args.kernelWidth).plus(firstColumn).minus(inputColumn));
          const weight = k.local(filter.plus(tap.times(16)));
          k.for({ from: firstColumn, to: lastColumn }, () => {
            sum.set(k.madd(v128.load(from), v128.load(weight), sum));
            from.add(args.pixel);
            weight.add(16);
          });
        });
        const at = k.local(output.times(args.pixel).plus(channel));
        k.store(args.y.plus(at), finish(sum, at));
        filter.add(filterBytes);
      });
    });
  });
  const args = { ...windowArgs(window), x, y, packed, pixel: pad4(channels) * 4, ...(bias ? { bias } : {}), ...epilogue?.args };
  return [step(kernel, images * window.outSize[0], args)];
}
