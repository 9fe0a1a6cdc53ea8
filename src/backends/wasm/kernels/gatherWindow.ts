import { type Code, f32x4, i32, type Local, v128 } from "../assembler.ts";
import type { windowFields } from "./window.ts";

type Args = Readonly<Record<keyof typeof windowFields | "run", Local<"i32">>>;

/**
 * Writes the window of output pixel `row` (counted over all images) into a buffer, tap by tap, `run` bytes a tap; zeros outside the image. A
 * run's last vector may spill into the next run, so the buffer needs four floats more. Pixels of the image at `base` lie `pixel` bytes apart.
 */
export function gatherWindow(k: Code, args: Args, row: Local<"i32">, pixel: Local<"i32">, base: Local<"i32">, buffer: Local<"i32">): void {
  const line = k.local(i32.divU(row, args.outWidth));
  const image = k.local(i32.divU(line, args.outHeight));
  const top = k.local(line.minus(image.times(args.outHeight)).times(args.strideRows).minus(args.top));
  const left = k.local(row.minus(line.times(args.outWidth)).times(args.strideColumns).minus(args.left));
  const target = k.local(buffer);
  k.for({ to: args.kernelHeight }, (ky) => {
    const y = k.local(top.plus(ky));
    const isRow = k.local(i32.ltU(y, args.height));
    const start = k.local(base.plus(image.times(args.height).plus(y).times(args.width).times(pixel)));
    k.for({ to: args.kernelWidth }, (kx) => {
      const x = k.local(left.plus(kx));
      const source = k.local(start.plus(x.times(pixel)));
      k.if(
        i32.and(isRow, i32.ltU(x, args.width)),
        () => k.for({ to: args.run, step: 16 }, (at) => k.store(target.plus(at), v128.load(source.plus(at)))),
        () => k.for({ to: args.run, step: 16 }, (at) => k.store(target.plus(at), f32x4.const(0))),
      );
      target.add(args.run);
    });
  });
}
