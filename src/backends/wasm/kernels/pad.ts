/** A copy of images with zeros around them, so that every window of a convolution is whole. */
import { type Code, f32x4, i32, type Local, v128 } from "../assembler.ts";
import { type Pointer, type Step, step } from "../kernel.ts";
import { type Arguments, wasmKernel } from "../module.ts";
import { fourOf } from "./rolledChannels.ts";
import type { Pair } from "./window.ts";

const fields = { y: "i32", x: "i32", height: "i32", top: "i32", rows: "i32", line: "i32", left: "i32", row: "i32" } as const;
const placeFields = { places: "i32", pixel: "i32" } as const;

/** Copies a line of x to y from `start` to `stop`, both bytes. */
type CopyLine = (line: Record<"source" | "start" | "stop", Local<"i32">>) => void;

/** Units are rows of the padded images. `line`, `left` and `row` are bytes of a row of x, of the zeros before it and of a row of y. */
function emitPad(args: Arguments<typeof fields>, k: Code, copy: CopyLine): void {
  const { y, x, height, top, rows, line, left, row, begin, end } = args;
  const zero = k.local(f32x4.const(0));
  const at = k.local(y.plus(begin.times(row)));
  const last = k.local(i32.const(0));
  k.for({ from: begin, to: end }, (unit) => {
    const image = k.local(i32.divU(unit, rows));
    const from = k.local(unit.minus(image.times(rows)).minus(top));
    last.set(at.plus(row));
    k.if(i32.ltU(from, height), () => {
      const source = k.local(x.plus(image.times(height).plus(from).times(line)));
      const start = k.local(at.plus(left));
      const stop = k.local(start.plus(line));
      k.for({ from: at, to: start, step: 16 }, (place) => k.store(place, zero));
      copy({ source, start, stop });
      at.set(stop);
    });
    k.for({ from: at, to: last, step: 16 }, (place) => k.store(place, zero));
    at.set(last);
  });
}

const padImages = wasmKernel("pad", fields, (args, k) =>
  emitPad(args, k, ({ source, start, stop }) => {
    k.for({ from: start, to: stop, step: 16 }, (place) => {
      k.store(place, v128.load(source));
      source.add(16);
    });
  }),
);

/** The same, each channel read from where a list says it lies in its pixel. */
const padPlaced = wasmKernel("pad places", { ...fields, ...placeFields }, ({ places, pixel, ...args }, k) =>
  emitPad(args, k, ({ source, start, stop }) => {
    k.for({ from: start, to: stop, step: pixel }, (to) => {
      k.for({ to: pixel, step: 16 }, (lane) => k.store(to.plus(lane), fourOf(k, k.local(places.plus(lane)))(source)));
      source.add(pixel);
    });
  }),
);

/** Images of `lanes` floats a pixel, and the size that the padded ones get. */
export interface Padded {
  readonly x: Pointer;
  readonly y: Pointer;
  readonly images: number;
  readonly lanes: number;
  readonly size: Pair;
  readonly before: Pair;
  readonly paddedSize: Pair;
  /** For each channel the byte of a pixel of x at which it lies; default: one behind the other. */
  readonly places?: Pointer | undefined;
}

/** The steps of one padding; y takes images · rows · columns · lanes floats. */
export function padSteps({ x, y, images, lanes, size, before, paddedSize, places }: Padded): readonly Step[] {
  const pixel = lanes * 4;
  const args = {
    y,
    x,
    height: size[0],
    top: before[0],
    rows: paddedSize[0],
    line: size[1] * pixel,
    left: before[1] * pixel,
    row: paddedSize[1] * pixel,
  };
  const units = images * paddedSize[0];
  return [places ? step(padPlaced, units, { ...args, places, pixel }) : step(padImages, units, args)];
}
