/**
 * Depthwise convolution: every channel has a filter of its own. Four channels a vector, channels innermost, so that each pixel of the
 * NHWC image is read as one contiguous run; a tile of output pixels shares the pixels and the filter taps that it loads.
 *
 * Tiles whose pixels all lie inside the image step along rows; at an edge every pixel of the window has a pointer of its own, and those
 * outside the image point to zeros behind the packed filters (pack.ts, lanes). Which of the two runs is decided per tile at run time,
 * so any padding is served, and one kernel serves every image.
 * A unit is one row of tiles. Kernels too large to be written out tap by tap are served by depthwiseLoop.ts.
 */
import { type Code, type Expr, f32x4, i32, type Local, type V128, v128 } from "../assembler.ts";
import type { Epilogue } from "../epilogue.ts";
import { type Pointer, type Step, shifted, step } from "../kernel.ts";
import { pad4 } from "../layout.ts";
import { type Arguments, type Fields, wasmKernel } from "../module.ts";
import type { Tap, TapCode } from "./taps.ts";
import { type Pair, tileFields, type WindowSizes } from "./window.ts";

/** One depthwise convolution over images of `channels` (padded to 4) lanes. */
export interface Depthwise extends WindowSizes {
  readonly tap: Tap;
  readonly x: Pointer;
  readonly y: Pointer;
  /** Filters packed in lanes. */
  readonly packed: Pointer;
  /** The tap's third operand, laid out as y. */
  readonly own?: Pointer;
  readonly bias?: Pointer;
  readonly epilogue?: Epilogue;
  readonly images: number;
  readonly channels: number;
}

/** Kernels of more taps are not written out. */
export const MOST_TAPS = 81;

const baseFields = {
  x: "i32",
  y: "i32",
  packed: "i32",
  zeros: "i32",
  ...tileFields,
} as const;

type Args = Arguments<typeof baseFields & { readonly bias: "i32"; readonly own: "i32" }>;

interface Kind {
  readonly tap: Tap;
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly tile: Pair;
  readonly hasBias: boolean;
  readonly epilogue: Epilogue | undefined;
}

/** The corner of a tile, in the image and in the output. */
interface Corner {
  readonly image: Local<"i32">;
  readonly inputRow: Local<"i32">;
  readonly inputColumn: Local<"i32">;
  readonly outputRow: Local<"i32">;
  readonly outputColumn: Local<"i32">;
}

interface TileContext {
  readonly k: Code;
  readonly kind: Kind;
  readonly args: Args;
  readonly tap: TapCode;
  readonly finish: (x: V128, at: Expr<"i32">) => V128;
  readonly corner: Corner;
}

/** A kernel over a tile of outputs. */
export type TileShape = Pick<Kind, "kernel" | "stride" | "tile">;

/** Rows and columns of the image under a tile. */
export function patchOf({ kernel, stride, tile }: TileShape): Pair {
  return [(tile[0] - 1) * stride[0] + kernel[0], (tile[1] - 1) * stride[1] + kernel[1]];
}

/** Every (output of the tile, tap) pair that reads patch pixel (row, column). */
export function usesOf(
  { kernel, stride, tile }: TileShape,
  row: number,
  column: number,
): { readonly output: number; readonly index: number }[] {
  const uses: { output: number; index: number }[] = [];
  for (let y = 0; y < tile[0]; y++) {
    for (let x = 0; x < tile[1]; x++) {
      const ky = row - y * stride[0];
      const kx = column - x * stride[1];
      if (ky >= 0 && ky < kernel[0] && kx >= 0 && kx < kernel[1]) uses.push({ output: y * tile[1] + x, index: ky * kernel[1] + kx });
    }
  }
  return uses;
}

/** The sums of one vector of channels: patch rows from top to bottom, each pixel loaded once, filter taps when a row first needs them. */
function sumPatch(
  { k, kind, args, tap }: TileContext,
  filter: Local<"i32">,
  done: Local<"i32">,
  pixelAt: (row: number, column: number) => Expr<"i32">,
  owns: readonly Local<"v128">[],
): Local<"v128">[] {
  const start = kind.hasBias ? v128.load(args.bias.plus(done)) : f32x4.const(0);
  const first = k.local(start);
  const sums = Array.from({ length: kind.tile[0] * kind.tile[1] }, () => k.local(first));
  const taps = new Map<number, Local<"v128">>();
  const [rows, columns] = patchOf(kind);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const uses = usesOf(kind, row, column);
      if (uses.length === 0) continue;
      const pixel = k.local(v128.load(pixelAt(row, column)));
      for (const { output, index } of uses) {
        let weight = taps.get(index);
        if (!weight) {
          weight = k.local(v128.load(filter, index * 16));
          taps.set(index, weight);
        }
        sums[output].set(tap.add(sums[output], pixel, weight, owns[output], undefined));
      }
    }
  }
  for (const [output, sum] of sums.entries()) if (kind.tap.hasOwn) sum.set(tap.finish(sum, owns[output]));
  return sums;
}

/** Bytes from the start of y to the tile's first output. */
function outputStart({ k, args, corner }: TileContext): Local<"i32"> {
  const row = corner.image.times(args.outHeight).plus(corner.outputRow);
  return k.local(row.times(args.outWidth).plus(corner.outputColumn).times(args.pixel));
}

/** The row and column of an output in its tile. */
export function outputPlace({ tile }: TileShape, index: number): Pair {
  return [Math.floor(index / tile[1]), index % tile[1]];
}

/** The third operands of a tile's sums; past the output's edge the first one again. */
function ownsOf({ k, kind, args, tap }: TileContext, at: Local<"i32">, isThere?: (place: Pair) => Expr<"i32">): Local<"v128">[] {
  if (!kind.tap.hasOwn) return [];
  return Array.from({ length: kind.tile[0] * kind.tile[1] }, (_, index) => {
    const [row, column] = outputPlace(kind, index);
    const away = k.local(args.pixel.times(args.outWidth.times(row).plus(column)));
    const place = isThere && index > 0 ? i32.select(isThere([row, column]), away, 0) : away;
    return k.local(tap.own(v128.load(args.own.plus(at).plus(place))));
  });
}

/** Stores output (row, column) of the tile that begins at byte `at` of y. */
function storeSum({ k, args, finish }: TileContext, sum: V128, at: Local<"i32">, [row, column]: Pair): void {
  const pixels = row === 0 ? i32.const(column) : args.outWidth.times(row).plus(column);
  const place = k.local(row + column === 0 ? at : at.plus(args.pixel.times(pixels)));
  k.store(args.y.plus(place), finish(sum, place));
}

/** All of the tile's pixels and outputs exist. */
function innerTile(context: TileContext): void {
  const { k, kind, args, corner } = context;
  const [rows, columns] = patchOf(kind);
  const lineBytes = k.local(args.width.times(args.pixel));
  const first = corner.image.times(args.height).plus(corner.inputRow).times(args.width).plus(corner.inputColumn).times(args.pixel);
  const lines = [k.local(args.x.plus(first))];
  while (lines.length < rows) lines.push(k.local(lines[lines.length - 1].plus(lineBytes)));
  const offsets = Array.from({ length: columns }, (_, column) => k.local(args.pixel.times(column)));
  const filter = k.local(args.packed);
  const at = outputStart(context);
  k.for({ to: args.pixel, step: 16 }, (done) => {
    const pixelAt = (row: number, column: number): Expr<"i32"> => (column === 0 ? lines[row] : lines[row].plus(offsets[column]));
    const sums = sumPatch(context, filter, done, pixelAt, ownsOf(context, at));
    for (const [i, sum] of sums.entries()) storeSum(context, sum, at, outputPlace(kind, i));
    for (const line of lines) line.add(16);
    filter.add(kind.kernel[0] * kind.kernel[1] * 16);
    at.add(16);
  });
}

/** Some pixel lies outside the image, or some output outside the output. */
function edgeTile(context: TileContext): void {
  const { k, kind, args, corner } = context;
  const [rows, columns] = patchOf(kind);
  const pixels: Local<"i32">[][] = [];
  for (let row = 0; row < rows; row++) {
    const y = k.local(corner.inputRow.plus(row));
    const line = k.local(corner.image.times(args.height).plus(y).times(args.width));
    pixels.push([]);
    for (let column = 0; column < columns; column++) {
      const x = corner.inputColumn.plus(column);
      const isInside = i32.and(i32.ltU(y, args.height), i32.ltU(x, args.width));
      const pointer = args.x.plus(line.plus(x).times(args.pixel));
      pixels[row].push(k.local(i32.select(isInside, pointer, args.zeros)));
    }
  }
  const outRows = k.local(args.outHeight.minus(corner.outputRow));
  const outColumns = k.local(args.outWidth.minus(corner.outputColumn));
  const filter = k.local(args.packed);
  const at = outputStart(context);
  k.for({ to: args.pixel, step: 16 }, (done) => {
    const isThere = ([row, column]: Pair): Expr<"i32"> => i32.and(i32.gt(outRows, row), i32.gt(outColumns, column));
    const owns = ownsOf(context, at, isThere);
    const sums = sumPatch(context, filter, done, (row, column) => pixels[row][column].plus(done), owns);
    sums.forEach((sum, i) => {
      const [row, column] = outputPlace(kind, i);
      const store = (): void => storeSum(context, sum, at, [row, column]);
      if (i === 0) store();
      else k.if(isThere([row, column]), store);
    });
    filter.add(kind.kernel[0] * kind.kernel[1] * 16);
    at.add(16);
  });
}

function emitDepthwise(kind: Kind, args: Args, k: Code): void {
  const finish = kind.epilogue?.begin(k, args as unknown as Arguments<Record<string, "i32">>) ?? ((x: V128) => x);
  const tap = kind.tap.begin(k);
  const [rows, columns] = patchOf(kind);
  k.for({ from: args.begin, to: args.end }, (unit) => {
    const image = k.local(i32.divU(unit, args.tileRows));
    const outputRow = k.local(unit.minus(image.times(args.tileRows)).times(kind.tile[0]));
    const inputRow = k.local(outputRow.times(kind.stride[0]).minus(args.top));
    const isRowInside = i32.and(
      i32.ge(inputRow, 0),
      i32.and(i32.le(inputRow.plus(rows), args.height), i32.le(outputRow.plus(kind.tile[0]), args.outHeight)),
    );
    const isInnerRow = k.local(isRowInside);
    k.for({ to: args.outWidth, step: kind.tile[1] }, (outputColumn) => {
      const inputColumn = k.local(outputColumn.times(kind.stride[1]).minus(args.left));
      const context = { k, kind, args, tap, finish, corner: { image, inputRow, inputColumn, outputRow, outputColumn } };
      const isColumnInside = i32.and(
        i32.ge(inputColumn, 0),
        i32.and(i32.le(inputColumn.plus(columns), args.width), i32.le(outputColumn.plus(kind.tile[1]), args.outWidth)),
      );
      k.if(
        i32.and(isInnerRow, isColumnInside),
        () => innerTile(context),
        () => edgeTile(context),
      );
    });
  });
}

function kernelOf(kind: Kind): ReturnType<typeof wasmKernel<Fields>> {
  const name = [kind.kernel, kind.stride, kind.tile].map((pair) => pair.join("x"));
  const key = `depthwise${kind.tap.key} ${name[0]} stride ${name[1]} tile ${name[2]}${kind.hasBias ? " bias" : ""}${kind.epilogue?.key ?? ""}`;
  const own: Fields = kind.tap.hasOwn ? { own: "i32" } : {};
  const fields = { ...baseFields, ...own, ...(kind.hasBias ? { bias: "i32" as const } : {}), ...kind.epilogue?.fields };
  return wasmKernel<Fields>(key, fields, (args, k) => emitDepthwise(kind, args as unknown as Args, k));
}

/** Lanes whose pixels, this many floats or a multiple apart, fall on the same lines of a first-level cache. */
const ALIASED_LANES = 512;

/**
 * The tile for a kernel. Rows that fit into registers are done whole: no tile then hangs over the edge. Otherwise as many columns as share
 * most pixels; at stride 2 neighbours along a row share few, so tiles are tall or flat. Tiles of aliased channels touch few pixels.
 */
function tileOf(kernel: Pair, stride: Pair, [outHeight, outWidth]: Pair, lanes: number): Pair {
  if (lanes % ALIASED_LANES === 0) return [1, Math.min(2, outWidth)];
  if (outWidth > 3 && outWidth < 9) return [1, outWidth];
  const taps = kernel[0] * kernel[1];
  const wanted: Pair = stride[1] === 1 && taps <= 49 ? [2, 4] : taps <= 9 ? [4, 2] : [1, 4];
  return [Math.min(wanted[0], outHeight), Math.min(wanted[1], outWidth)];
}

/** The steps of one depthwise convolution with a kernel of at most `MOST_TAPS`. */
export function depthwiseSteps(depthwise: Depthwise): readonly Step[] {
  const { tap, images, channels, size, outSize, kernel, stride, before, packed, own, bias, epilogue } = depthwise;
  const lanes = pad4(channels);
  const tile = tileOf(kernel, stride, outSize, lanes);
  const tileRows = Math.ceil(outSize[0] / tile[0]);
  const args = {
    x: depthwise.x,
    y: depthwise.y,
    packed,
    zeros: shifted(packed, lanes * kernel[0] * kernel[1] * 4),
    height: size[0],
    width: size[1],
    outHeight: outSize[0],
    outWidth: outSize[1],
    top: before[0],
    left: before[1],
    pixel: lanes * 4,
    tileRows,
    ...(own ? { own } : {}),
    ...(bias ? { bias } : {}),
    ...epilogue?.args,
  };
  return [step(kernelOf({ tap, kernel, stride, tile, hasBias: bias !== undefined, epilogue }), images * tileRows, args)];
}
