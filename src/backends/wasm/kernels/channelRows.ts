/**
 * Channels laid out for convolutions along them: rows of each pixel in scratch memory, with zeros around what they hold.
 *   x   one row for each remainder p of (channel + padding) by the stride: row p holds the padded channels p, p + stride, p + 2 · stride …
 *   dy  one row for each kernel, its first window behind some zeros.
 */
import type { Shape } from "../../../core/shape.ts";
import type { ChannelConvolution } from "../../../ops/channelConvolution.ts";
import { type Code, f32, f32x4, type I32, i32, type Local, lanes32, v128 } from "../assembler.ts";
import { type LowerContext, type Pointer, type Step, step } from "../kernel.ts";
import { pad4 } from "../layout.ts";
import { type KernelSource, wasmKernel } from "../module.ts";

const rowFields = { y: "i32", x: "i32", pixel: "i32", row: "i32", rows: "i32", count: "i32", shift: "i32", pixels: "i32" } as const;

function layOut(key: string, copy: (a: Record<"from" | "to" | "row" | "rows" | "count" | "shift", Local<"i32">>, k: Code) => void) {
  return wasmKernel(key, rowFields, ({ y, x, pixel, row, rows, count, shift, pixels, begin, end }, k) => {
    const zero = k.local(f32x4.const(0));
    const bytes = k.local(row.times(rows));
    k.for({ from: begin.times(16), to: i32.min(end.times(16), pixels) }, (at) => {
      const to = k.local(y.plus(at.times(bytes)));
      k.for({ to: bytes, step: 16 }, (lane) => k.store(to.plus(lane), zero));
      copy({ from: k.local(x.plus(at.times(pixel))), to, row, rows, count, shift }, k);
    });
  });
}

/** Copies floats and moves both places behind them. */
function copyFloats(k: Code, to: Local<"i32">, from: Local<"i32">, count: Local<"i32">): void {
  const whole = k.local(i32.and(count, -4));
  k.for({ to: whole, step: 4 }, () => {
    k.store(to, v128.load(from));
    from.add(16);
    to.add(16);
  });
  k.for({ from: whole, to: count }, () => {
    k.store(to, f32.load(from));
    from.add(4);
    to.add(4);
  });
}

/** Channel j goes to row (j + shift) mod rows, place (j + shift) / rows; a unit is 16 pixels. */
const dealChannels = layOut("deal channels", ({ from, to, row, rows, count, shift }, k) => {
  const target = (first: I32) => {
    const place = k.local(shift.plus(first));
    const turn = k.local(i32.div(place, rows));
    return k.local(to.plus(place.minus(turn.times(rows)).times(row)).plus(turn.times(4)));
  };
  const done = k.local(i32.const(0));
  k.if(i32.eq(rows, 1), () => {
    copyFloats(k, target(0), k.local(from), count);
    done.set(count);
  });
  k.if(i32.eq(rows, 2), () => {
    const [even, odd] = [target(0), target(1)];
    done.set(i32.and(count, -8));
    k.for({ to: done, step: 8 }, (j) => {
      const at = k.local(from.plus(j.times(4)));
      const [first, second] = [k.local(v128.load(at)), k.local(v128.load(at, 16))];
      k.store(even, v128.shuffle(first, second, lanes32(0, 2, 4, 6)));
      k.store(odd, v128.shuffle(first, second, lanes32(1, 3, 5, 7)));
      even.add(16);
      odd.add(16);
    });
  });
  k.for({ from: done, to: i32.min(done.plus(rows), count) }, (first) => {
    const at = target(first);
    k.for({ from: first, to: count, step: rows }, (j) => {
      k.store(at, f32.load(from.plus(j.times(4))));
      at.add(4);
    });
  });
});

/** `count` channels go to each row in turn, behind `shift` zeros; a unit is 16 pixels. */
const splitChannels = layOut("split channels", ({ from, to, row, rows, count, shift }, k) => {
  k.for({ to: rows }, (i) => copyFloats(k, k.local(to.plus(i.times(row)).plus(shift.times(4))), from, count));
});

/** Rows of each pixel, laid out in scratch memory. Lengths in floats. */
export interface Rows {
  readonly at: Pointer;
  readonly length: number;
  readonly count: number;
}

function rowsOf(
  kernel: KernelSource<typeof rowFields>,
  x: Pointer,
  shape: Shape,
  rows: Rows,
  sizes: { count: number; shift: number },
): Step {
  const [n, c, h, w] = shape;
  const pixels = n * h * w;
  const args = { y: rows.at, x, pixel: pad4(c) * 4, row: rows.length * 4, rows: rows.count, pixels, ...sizes };
  return step(kernel, Math.ceil(pixels / 16), args);
}

/** Sizes that follow from the operands: windows of a kernel, floats of a row, and how many places apart the taps of one remainder are at most. */
export interface RowSizes {
  readonly windows: number;
  readonly length: number;
  readonly margin: number;
  readonly stride: number;
  readonly before: number;
}

/** The sizes of a convolution along the channels. */
export function sizesOf(x: Shape, weight: Shape, y: Shape, { stride, padding: [before] }: ChannelConvolution): RowSizes {
  const windows = y[1] / weight[0];
  const margin = Math.floor((weight[2] - 1) / stride);
  const most = Math.max(windows, Math.ceil((x[1] + before) / stride));
  return { windows, margin, length: pad4(pad4(most) + 2 * margin + 8), stride, before };
}

/** The rows of x, by remainder. */
export function dealt(x: Pointer, shape: Shape, sizes: RowSizes, context: LowerContext): { rows: Rows; step: Step } {
  const [n, c, h, w] = shape;
  const rows = { at: context.scratch(n * h * w * sizes.stride * sizes.length), length: sizes.length, count: sizes.stride };
  return { rows, step: rowsOf(dealChannels, x, shape, rows, { count: c, shift: sizes.before }) };
}

/** The rows of dy, by kernel, behind `margin` zeros. */
export function split(
  dy: Pointer,
  shape: Shape,
  { windows, length }: RowSizes,
  margin: number,
  context: LowerContext,
): { rows: Rows; step: Step } {
  const [n, c, h, w] = shape;
  const rows = { at: context.scratch((n * h * w * c * length) / windows), length, count: c / windows };
  return { rows, step: rowsOf(splitChannels, dy, shape, rows, { count: windows, shift: margin }) };
}
