/**
 * Operands as a tap wants them (taps.ts): images copied, padded and changed element by element; packed weights changed where they lie.
 *
 * A changed operand may have lost what a NaN or an infinity was, so the copies also say whether there was one: x − x is 0 for numbers and NaN for
 * those, its sum a flag. Where a flag is not 0, the whole result is filled with NaN, which nobody can overlook; otherwise nothing is touched.
 */
import type { Value } from "../../../ir/graph.ts";
import { type Code, type Expr, f32x4, i32, type Local, lanes32, v128 } from "../assembler.ts";
import { type LowerContext, type Pointer, type Step, shifted, step } from "../kernel.ts";
import { floatsOf, pad4 } from "../layout.ts";
import { type Arguments, wasmKernel } from "../module.ts";
import { type Packed, packed } from "./pack.ts";
import { padSteps } from "./pad.ts";
import type { Preparation, Tap } from "./taps.ts";
import type { Pair } from "./window.ts";

/** Vectors of a unit where a buffer is walked from front to back. */
const UNIT = 2048;

/** Vectors of 4 floats, one for each unit that made the operand, all 0 if every element is a number. */
export interface Flags {
  readonly at: Pointer;
  readonly count: number;
}

/** Images of channels padded to 4, and zeros around them up to `paddedSize`. */
export interface Images {
  readonly x: Pointer;
  readonly images: number;
  readonly channels: number;
  readonly size: Pair;
  readonly before: Pair;
  readonly paddedSize: Pair;
  /** For each channel the byte of a pixel at which it lies, for copies that are padded but not changed; default: one behind the other. */
  readonly places?: Pointer | undefined;
}

/** Where a kernel reads images, with the steps that must come before. */
export interface Operand {
  readonly at: Pointer;
  readonly size: Pair;
  readonly steps: readonly Step[];
  readonly flags: readonly Flags[];
}

const imageFields = {
  y: "i32",
  x: "i32",
  flags: "i32",
  height: "i32",
  width: "i32",
  top: "i32",
  left: "i32",
  rows: "i32",
  columns: "i32",
  pixel: "i32",
  rest: "i32",
} as const;

/** One pixel of y, from `source` or, where that is 0, of zeros; lanes that are no channels become zeros, too. */
function preparePixel(
  k: Code,
  { pixel, rest }: Arguments<typeof imageFields>,
  change: ReturnType<Preparation["begin"]>,
  place: { readonly from: Local<"i32">; readonly to: Local<"i32">; readonly isInside: Expr<"i32"> },
  existing: Local<"v128">,
  flag: Local<"v128">,
): void {
  const { from, to, isInside } = place;
  const last = k.local(i32.select(rest, pixel.minus(16), pixel));
  const put = (at: Local<"i32">, x: Local<"v128">): void => {
    flag.set(f32x4.add(flag, f32x4.sub(x, x)));
    k.store(to.plus(at), change(x));
  };
  k.if(
    isInside,
    () => {
      k.for({ to: last, step: 16 }, (at) => put(at, k.local(v128.load(from.plus(at)))));
      k.if(rest, () => put(last, k.local(v128.and(v128.load(from.plus(last)), existing))));
    },
    () => k.for({ to: pixel, step: 16 }, (at) => k.store(to.plus(at), change(k.local(f32x4.const(0))))),
  );
}

/** Units are rows of y. `rest` is the number of channels in the last vector, 0 if it is full. */
function imageKernel(preparation: Preparation): ReturnType<typeof wasmKernel<typeof imageFields>> {
  return wasmKernel(`prepare images ${preparation.key}`, imageFields, (args, k) => {
    const { y, x, flags, height, width, top, left, rows, columns, pixel, rest, begin, end } = args;
    const change = preparation.begin(k);
    const existing = k.local(f32x4.const(0));
    for (let count = 1; count < 4; count++) {
      const mask = v128.const32(...[0, 1, 2, 3].map((lane) => (lane < count ? -1 : 0)));
      k.if(i32.eq(rest, count), () => existing.set(mask));
    }
    const to = k.local(y.plus(begin.times(columns).times(pixel)));
    k.for({ from: begin, to: end }, (unit) => {
      const image = k.local(i32.divU(unit, rows));
      const row = k.local(unit.minus(image.times(rows)).minus(top));
      const isRow = k.local(i32.ltU(row, height));
      const from = k.local(x.plus(image.times(height).plus(row).times(width).minus(left).times(pixel)));
      const flag = k.local(f32x4.const(0));
      k.for({ to: columns }, (column) => {
        const isInside = i32.and(isRow, i32.ltU(column.minus(left), width));
        preparePixel(k, args, change, { from, to, isInside }, existing, flag);
        from.add(pixel);
        to.add(pixel);
      });
      k.store(flags.plus(unit.times(16)), flag);
    });
  });
}

/** A copy of images, padded and changed. */
function preparedImages(images: Images, preparation: Preparation, context: LowerContext): Operand {
  const { x, channels, size: imageSize, before, paddedSize } = images;
  const lanes = pad4(channels);
  const count = images.images * paddedSize[0];
  const at = context.scratch(count * paddedSize[1] * lanes);
  const flags = context.scratch(count * 4);
  const args = {
    ...{ y: at, x, flags, height: imageSize[0], width: imageSize[1], top: before[0], left: before[1] },
    ...{ rows: paddedSize[0], columns: paddedSize[1], pixel: lanes * 4, rest: channels % 4 },
  };
  return { at, size: paddedSize, steps: [step(imageKernel(preparation), count, args)], flags: [{ at: flags, count }] };
}

/** Images as a tap's kernel reads them: changed where the tap wants it, padded where `paddedSize` says so, else as they lie. */
export function imageOperand(images: Images, preparation: Preparation | undefined, context: LowerContext): Operand {
  if (preparation) return preparedImages(images, preparation, context);
  const { x, channels, size: imageSize, paddedSize } = images;
  if (imageSize[0] === paddedSize[0] && imageSize[1] === paddedSize[1]) return { at: x, size: imageSize, steps: [], flags: [] };
  const lanes = pad4(channels);
  const at = context.scratch(images.images * paddedSize[0] * paddedSize[1] * lanes);
  return { at, size: paddedSize, steps: padSteps({ ...images, y: at, lanes }), flags: [] };
}

/** Features [n, c] as a tap's kernel reads them. */
export function featureOperand(x: Value, preparation: Preparation | undefined, context: LowerContext): Operand {
  const [rows, channels] = x.shape;
  const size = [rows, 1] as const;
  return imageOperand({ x: context.at(x), images: 1, channels, size, before: [0, 0], paddedSize: size }, preparation, context);
}

/** Changes `floats` floats (a multiple of 4) where they lie. */
export function changeSteps(at: Pointer, floats: number, preparation: Preparation): readonly Step[] {
  const kernel = wasmKernel(`prepare ${preparation.key}`, { at: "i32", vectors: "i32" }, ({ at: first, vectors, begin, end }, k) => {
    const change = preparation.begin(k);
    const last = k.local(i32.min(end.times(UNIT), vectors));
    k.for({ from: first.plus(begin.times(UNIT * 16)), to: first.plus(last.times(16)), step: 16 }, (place) =>
      k.store(place, change(k.local(v128.load(place)))),
    );
  });
  return [step(kernel, Math.ceil(floats / 4 / UNIT), { at, vectors: floats / 4 })];
}

/** One where there is a weight, zero elsewhere, as the bits of a mask. */
const asMask: Preparation = {
  key: "mask",
  begin(k) {
    const zero = k.local(f32x4.const(0));
    return (x) => f32x4.ne(x, zero);
  },
};

/** Weights packed for a tap: as the packer leaves them, changed where the tap wants it, but for the last `zeros` floats. */
export function packedFor(
  tap: Tap,
  context: LowerContext,
  key: string,
  source: Value,
  floats: number,
  pack: (target: Pointer) => readonly Step[],
  zeros = 0,
): Packed {
  const { b } = tap;
  if (!b) return packed(context, key, source, floats, pack);
  return packed(context, `${key} ${b.key}`, source, floats, (target) => [...pack(target), ...changeSteps(target, floats - zeros, b)]);
}

const storeOne = wasmKernel("one", { at: "i32" }, ({ at }, k) => k.store(at, f32x4.const(1)));

/** Masks that lie as packed weights do: what `pack` makes of a single one, read for every weight. */
export function packedMasks(
  context: LowerContext,
  key: string,
  source: Value,
  floats: number,
  pack: (target: Pointer, one: Pointer) => readonly Step[],
): Packed {
  return packed(context, `${key} masks`, source, floats + 4, (target) => {
    const one = shifted(target, floats * 4);
    return [step(storeOne, 1, { at: one }), ...pack(target, one), ...changeSteps(target, floats, asMask)];
  });
}

const flagFields = { flag: "i32", x: "i32", vectors: "i32" } as const;

/** The flag of a buffer. */
const flagFloats = wasmKernel("flag", flagFields, ({ flag, x, vectors }, k) => {
  const sum = k.local(f32x4.const(0));
  k.for({ to: vectors.times(16), step: 16 }, (at) => {
    const held = k.local(v128.load(x.plus(at)));
    sum.set(f32x4.add(sum, f32x4.sub(held, held)));
  });
  k.store(flag, sum);
});

/** The flag of a weight whose packed form is changed. */
export function weightFlags(
  tap: Tap,
  weight: Value,
  context: LowerContext,
): { readonly flags: readonly Flags[]; readonly steps: readonly Step[] } {
  if (!tap.b) return { flags: [], steps: [] };
  const vectors = floatsOf(weight.shape, context.isWeight(weight) ? "weight" : "activation") / 4;
  const { at, steps } = packed(context, "flag", weight, 4, (flag) => [step(flagFloats, 1, { flag, x: context.at(weight), vectors })]);
  return { flags: [{ at, count: 1 }], steps };
}

const sumFields = { total: "i32", flags: "i32", count: "i32", isFirst: "i32" } as const;

/** total (four equal lanes) = the sum of flags, on top of what it held unless `isFirst`. */
const sumFlags = wasmKernel("sum flags", sumFields, ({ total, flags, count, isFirst }, k) => {
  const sum = k.local(f32x4.const(0));
  k.if(i32.eqz(isFirst), () => sum.set(v128.load(total)));
  k.for({ from: flags, to: flags.plus(count.times(16)), step: 16 }, (at) => sum.set(f32x4.add(sum, v128.load(at))));
  const pairs = k.local(f32x4.add(sum, v128.shuffle(sum, sum, lanes32(2, 3, 0, 1))));
  k.store(total, f32x4.add(pairs, v128.shuffle(pairs, pairs, lanes32(1, 0, 3, 2))));
});

const spoilFields = { y: "i32", vectors: "i32", total: "i32" } as const;
const spoil = wasmKernel("spoil", spoilFields, ({ y, vectors, total, begin, end }, k) => {
  const flag = k.local(v128.load(total));
  k.if(v128.anyTrue(f32x4.ne(flag, flag)), () => {
    const last = k.local(i32.min(end.times(UNIT), vectors));
    k.for({ from: y.plus(begin.times(UNIT * 16)), to: y.plus(last.times(16)), step: 16 }, (at) => k.store(at, flag));
  });
});

/** Fills a result with NaN if a flag of its operands says so. */
export function spoilSteps(result: Value, flags: readonly Flags[], context: LowerContext): readonly Step[] {
  if (flags.length === 0) return [];
  const total = context.scratch(4);
  const vectors = floatsOf(result.shape, context.isWeight(result) ? "weight" : "activation") / 4;
  return [
    ...flags.map(({ at, count }, i) => step(sumFlags, 1, { total, flags: at, count, isFirst: i === 0 ? 1 : 0 })),
    step(spoil, Math.ceil(vectors / UNIT), { y: context.at(result), vectors, total }),
  ];
}
