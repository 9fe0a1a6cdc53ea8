/**
 * The pixels that a strided window moves over fall into phases: those at the same distance from a multiple of the stride are reached by the same
 * taps, every stride-th of the kernel, so that the gradient of one phase is an ordinary convolution of dy with these taps turned round.
 */
import { i32, v128 } from "../assembler.ts";
import { type Pointer, type Step, shifted, step } from "../kernel.ts";
import { wasmKernel } from "../module.ts";
import type { Pair } from "./window.ts";

/** One axis of a strided window; the kernel is no smaller than the stride. */
export interface Axis {
  readonly kernel: number;
  readonly stride: number;
  /** Padding in front. */
  readonly before: number;
  readonly size: number;
  readonly outSize: number;
}

/** Pixels firstPixel, firstPixel + stride, …, `count` of them, and the taps firstTap, firstTap + stride, … that reach them. */
export interface Phase {
  readonly firstPixel: number;
  readonly count: number;
  readonly firstTap: number;
  readonly taps: number;
  /** Where the first pixel's window begins in the padded gradient. */
  readonly start: number;
}

/** The phases of an axis that have pixels, and how dy must be padded for all of them. */
export function phasesOf({ kernel, stride, before, size, outSize }: Axis): {
  readonly phases: readonly Phase[];
  readonly before: number;
  readonly paddedSize: number;
} {
  const found = Array.from({ length: stride }, (_, firstTap) => {
    const taps = Math.ceil((kernel - firstTap) / stride);
    // Pixel p is reached by tap t where p + before = stride · o + t, o the place in dy; o runs from first to last for t = firstTap.
    const first = Math.ceil((before - firstTap) / stride);
    const last = Math.floor((before + size - 1 - firstTap) / stride);
    return { firstTap, taps, first, last, firstPixel: stride * first + firstTap - before, count: last - first + 1 };
  }).filter(({ count }) => count > 0);
  const zerosBefore = Math.max(0, ...found.map(({ taps, first }) => taps - 1 - first));
  const zerosAfter = Math.max(0, ...found.map(({ last }) => last + 1 - outSize));
  return {
    phases: found.map(({ first, last: _, ...phase }) => ({ ...phase, start: first - phase.taps + 1 + zerosBefore })),
    before: zerosBefore,
    paddedSize: zerosBefore + outSize + zerosAfter,
  };
}

/** Images of `lanes` floats a pixel whose pixels come `stride` apart into larger images, the first at `first`. */
export interface Placed {
  readonly x: Pointer;
  readonly y: Pointer;
  readonly images: number;
  readonly lanes: number;
  readonly size: Pair;
  readonly placedSize: Pair;
  readonly stride: Pair;
  readonly first: Pair;
}

const fields = {
  y: "i32",
  x: "i32",
  pixel: "i32",
  rows: "i32",
  columns: "i32",
  image: "i32",
  line: "i32",
  gap: "i32",
} as const;

/** Units are rows of x. `image`, `line` and `gap` are bytes in y between images, between rows and between pixels of x. */
const placePixels = wasmKernel("place", fields, (a, k) => {
  const from = k.local(a.x.plus(a.begin.times(a.columns).times(a.pixel)));
  k.for({ from: a.begin, to: a.end }, (unit) => {
    const image = k.local(i32.divU(unit, a.rows));
    const row = unit.minus(image.times(a.rows));
    const to = k.local(a.y.plus(image.times(a.image)).plus(row.times(a.line)));
    k.for({ to: a.columns }, () => {
      k.for({ to: a.pixel, step: 16 }, (at) => k.store(to.plus(at), v128.load(from.plus(at))));
      from.add(a.pixel);
      to.add(a.gap);
    });
  });
});

/** The steps of one placing. */
export function placeSteps({ x, y, images, lanes, size, placedSize, stride, first }: Placed): readonly Step[] {
  const pixel = lanes * 4;
  const line = placedSize[1] * pixel;
  const args = {
    y: shifted(y, first[0] * line + first[1] * pixel),
    ...{ x, pixel, rows: size[0], columns: size[1] },
    ...{ image: placedSize[0] * line, line: stride[0] * line, gap: stride[1] * pixel },
  };
  return [step(placePixels, images * size[0], args)];
}
