import { type Code, type Expr, f32x4, i32, type Local, type V128, v128 } from "../assembler.ts";
import type { windowFields } from "./window.ts";

type Args = Readonly<Record<keyof typeof windowFields | "run", Local<"i32">>>;

/**
 * Writes the window of output pixel `row` (counted over all images) tap by tap, `run` bytes a tap; zeros outside the image. In a row, a run's last
 * vector may spill into the next run, so there is room needed for four floats more. Pixels of the image at `base` lie `pixel` bytes apart.
 */
export function gatherWindow(k: Code, args: Args, row: Local<"i32">, pixel: Local<"i32">, base: Local<"i32">, to: Expr<"i32">): void {
  const line = k.local(i32.divU(row, args.outWidth));
  const image = k.local(i32.divU(line, args.outHeight));
  const top = k.local(line.minus(image.times(args.outHeight)).times(args.strideRows).minus(args.top));
  const left = k.local(row.minus(line.times(args.outWidth)).times(args.strideColumns).minus(args.left));
  const target = k.local(to);
  const start = k.local(base.plus(image.times(args.height).plus(top).times(args.width).plus(left).times(pixel)));
  const lineBytes = k.local(args.width.times(pixel));
  const isRows = i32.and(i32.ge(top, 0), i32.le(top.plus(args.kernelHeight), args.height));
  const isColumns = i32.and(i32.ge(left, 0), i32.le(left.plus(args.kernelWidth), args.width));
  const each = (visit: (source: Local<"i32">, ky: Local<"i32">, kx: Local<"i32">) => void): void => {
    k.for({ to: args.kernelHeight }, (ky) => {
      const source = k.local(start);
      k.for({ to: args.kernelWidth }, (kx) => {
        visit(source, ky, kx);
        source.add(pixel);
        target.add(args.run);
      });
      start.add(lineBytes);
    });
  };
  const write = (vector: (at: Local<"i32"> | undefined) => V128): void => {
    k.store(target, vector(undefined));
    k.for({ from: 16, to: args.run, step: 16 }, (at) => k.store(target.plus(at), vector(at)));
  };
  const copy = (source: Local<"i32">): void => write((at) => v128.load(at ? source.plus(at) : source));
  const zero = (): void => write(() => f32x4.const(0));
  k.if(
    i32.and(isRows, isColumns),
    () => each(copy),
    () =>
      each((source, ky, kx) => {
        const isInside = i32.and(i32.ltU(top.plus(ky), args.height), i32.ltU(left.plus(kx), args.width));
        k.if(isInside, () => copy(source), zero);
      }),
  );
}
