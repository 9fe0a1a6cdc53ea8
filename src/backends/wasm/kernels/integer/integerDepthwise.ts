/**
 * Depthwise convolution of bytes, eight channels a vector, in sums of 16 bits: pixels are widened as they are loaded, filters when they are
 * packed, [C/8][taps][8]. Behind the filters lie the zero points that pixels outside the image point to. Tiles and edges as in depthwise.ts.
 */
import type { Node } from "../../../../ir/graph.ts";
import type { IntegerDepthwise } from "../../../../ops/integerDepthwise.ts";
import { type Code, type Expr, i8x16, i16x8, i32, type Local, type V128, v128 } from "../../assembler.ts";
import { type Lower, type LowerContext, type Pointer, type Step, shifted, step } from "../../kernel.ts";
import { lanesOf } from "../../layout.ts";
import { type Arguments, type Fields, wasmKernel } from "../../module.ts";
import { outputPlace, patchOf, type TileShape, usesOf } from "../depthwise.ts";
import { packed } from "../pack.ts";
import { type Pair, tileFields } from "../window.ts";
import { type Bounds, boundsOf } from "./bounds.ts";
import { packFilters, packShorts } from "./packShorts.ts";

const baseFields = {
  x: "i32",
  y: "i32",
  packed: "i32",
  zeros: "i32",
  bias: "i32",
  factor: "i32",
  ...tileFields,
} as const;

type Args = Arguments<typeof baseFields>;

interface Kind extends TileShape {
  /** Pixels of four bytes. */
  readonly isThin: boolean;
  readonly bounds: Bounds;
}

/** A tile in progress: the corner of its pixels and of its outputs, over all images. */
interface Tile {
  readonly k: Code;
  readonly kind: Kind;
  readonly args: Args;
  readonly finish: (x: V128) => V128;
  readonly line: Local<"i32">;
  readonly inputRow: Local<"i32">;
  readonly inputColumn: Local<"i32">;
  readonly outputRow: Local<"i32">;
  readonly outputColumn: Local<"i32">;
  /** Byte of y where the first output begins. */
  readonly at: Local<"i32">;
}

/** The sums of eight channels: each pixel is loaded once, filter taps when a row first needs them. */
function sumPatch({ k, kind }: Tile, filter: Local<"i32">, pixelAt: (row: number, column: number) => Expr<"i32">): Local<"v128">[] {
  const sums = Array.from({ length: kind.tile[0] * kind.tile[1] }, () => k.variable("v128"));
  const begun = new Set<number>();
  const taps = new Map<number, Local<"v128">>();
  const [rows, columns] = patchOf(kind);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const uses = usesOf(kind, row, column);
      if (uses.length === 0) continue;
      const pixel = k.local(v128.load8x8U(pixelAt(row, column)));
      for (const { output, index } of uses) {
        const weight = taps.get(index) ?? k.local(v128.load(filter, index * 16));
        taps.set(index, weight);
        const product = i16x8.mul(pixel, weight);
        sums[output].set(begun.has(output) ? i16x8.add(sums[output], product) : product);
        begun.add(output);
      }
    }
  }
  return sums;
}

/** Stores the eight channels from `channel` on, of all outputs of the tile or of those that `isThere` lets. */
function storeSums(
  { k, kind, args, finish, at }: Tile,
  sums: readonly V128[],
  channel: Local<"i32">,
  isThere?: (place: Pair) => Expr<"i32">,
): void {
  const [bias, factor] = [args.bias, args.factor].map((row) => k.local(v128.load(row.plus(channel.times(2)))));
  const shrunk = sums.map((sum) => k.multiplyHigh(i16x8.addSaturated(sum, bias), factor));
  const bytes = kind.isThin ? 4 : 8;
  // Two outputs make a vector of bytes.
  for (let first = 0; first < sums.length; first += 2) {
    const pair = k.local(finish(i8x16.narrowU(shrunk[first], shrunk[first + 1] ?? shrunk[first])));
    for (const [half, store] of [k.storeLow, k.storeHigh].entries()) {
      const i = first + half;
      if (i === sums.length) break;
      const [row, column] = outputPlace(kind, i);
      const away = row + column === 0 ? at : at.plus(args.pixel.times(args.outWidth.times(row).plus(column)));
      if (isThere && i > 0) k.if(isThere([row, column]), () => store(away.plus(channel), pair, bytes));
      else store(away.plus(channel), pair, bytes);
    }
  }
}

/** All of the tile's pixels and outputs exist. */
function innerTile(tile: Tile): void {
  const { k, kind, args } = tile;
  const [rows, columns] = patchOf(kind);
  const lineBytes = k.local(args.width.times(args.pixel));
  const first = tile.line.plus(tile.inputRow).times(args.width).plus(tile.inputColumn).times(args.pixel);
  const lines = [k.local(args.x.plus(first))];
  while (lines.length < rows) lines.push(k.local(lines[lines.length - 1].plus(lineBytes)));
  const offsets = Array.from({ length: columns }, (_, column) => k.local(args.pixel.times(column)));
  const filter = k.local(args.packed);
  k.for({ to: args.pixel, step: 8 }, (channel) => {
    const sums = sumPatch(tile, filter, (row, column) => (column === 0 ? lines[row] : lines[row].plus(offsets[column])));
    storeSums(tile, sums, channel);
    for (const line of lines) line.add(8);
    filter.add(kind.kernel[0] * kind.kernel[1] * 16);
  });
}

/** Some pixel lies outside the image, or some output outside the output. */
function edgeTile(tile: Tile): void {
  const { k, kind, args } = tile;
  const [rows, columns] = patchOf(kind);
  const pixels: Local<"i32">[][] = [];
  for (let row = 0; row < rows; row++) {
    const y = k.local(tile.inputRow.plus(row));
    const line = k.local(tile.line.plus(y).times(args.width));
    pixels.push([]);
    for (let column = 0; column < columns; column++) {
      const x = tile.inputColumn.plus(column);
      const isInside = i32.and(i32.ltU(y, args.height), i32.ltU(x, args.width));
      pixels[row].push(k.local(i32.select(isInside, args.x.plus(line.plus(x).times(args.pixel)), args.zeros)));
    }
  }
  const outRows = k.local(args.outHeight.minus(tile.outputRow));
  const outColumns = k.local(args.outWidth.minus(tile.outputColumn));
  const filter = k.local(args.packed);
  k.for({ to: args.pixel, step: 8 }, (channel) => {
    const sums = sumPatch(tile, filter, (row, column) => pixels[row][column].plus(channel));
    storeSums(tile, sums, channel, ([row, column]) => i32.and(i32.gt(outRows, row), i32.gt(outColumns, column)));
    filter.add(kind.kernel[0] * kind.kernel[1] * 16);
  });
}

function emitDepthwise(kind: Kind, args: Args, k: Code): void {
  const finish = kind.bounds.begin(k, args);
  const [rows, columns] = patchOf(kind);
  const { tile, stride } = kind;
  k.for({ from: args.begin, to: args.end }, (unit) => {
    const image = k.local(i32.divU(unit, args.tileRows));
    const line = k.local(image.times(args.height));
    const outputRow = k.local(unit.minus(image.times(args.tileRows)).times(tile[0]));
    const outputLine = k.local(image.times(args.outHeight).plus(outputRow).times(args.outWidth));
    const inputRow = k.local(outputRow.times(stride[0]).minus(args.top));
    const areRowsInside = i32.and(i32.le(inputRow.plus(rows), args.height), i32.le(outputRow.plus(tile[0]), args.outHeight));
    const isInnerRow = k.local(i32.and(i32.ge(inputRow, 0), areRowsInside));
    k.for({ to: args.outWidth, step: tile[1] }, (outputColumn) => {
      const inputColumn = k.local(outputColumn.times(stride[1]).minus(args.left));
      const at = k.local(args.y.plus(outputLine.plus(outputColumn).times(args.pixel)));
      const areInside = i32.and(i32.le(inputColumn.plus(columns), args.width), i32.le(outputColumn.plus(tile[1]), args.outWidth));
      const place = { k, kind, args, finish, line, inputRow, inputColumn, outputRow, outputColumn, at };
      k.if(
        i32.and(isInnerRow, i32.and(i32.ge(inputColumn, 0), areInside)),
        () => innerTile(place),
        () => edgeTile(place),
      );
    });
  });
}

function kernelOf(kind: Kind): ReturnType<typeof wasmKernel<Fields>> {
  const [kernel, stride, tile] = [kind.kernel, kind.stride, kind.tile].map((pair) => pair.join("x"));
  const key = `depthwise bytes ${kernel} stride ${stride} tile ${tile}${kind.isThin ? " thin" : ""}${kind.bounds.key}`;
  return wasmKernel<Fields>(key, { ...baseFields, ...kind.bounds.fields }, (args, k) => emitDepthwise(kind, args as unknown as Args, k));
}

/** Outputs of a tile: as many as share most pixels, in the registers that 16 are. */
function tileOf(kernel: Pair, stride: Pair, [outHeight, outWidth]: Pair): Pair {
  if (outWidth > 3 && outWidth < 8) return [1, outWidth];
  const wanted: Pair = stride[1] === 1 ? [2, 4] : kernel[0] * kernel[1] <= 9 ? [4, 2] : [1, 4];
  return [Math.min(wanted[0], outHeight), Math.min(wanted[1], outWidth)];
}

/** Kernels of more taps are not written out. */
const MOST_TAPS = 121;

/** The packed filters, biases and factors of a node. */
function operandsOf(node: Node, lanes: number, context: LowerContext): { args: Record<string, Pointer>; steps: readonly Step[] } {
  const [x, weight, bias, factor] = node.inputs;
  const { zero } = node.attrs as IntegerDepthwise;
  const channels = x.shape[1];
  const taps = weight.shape[2] * weight.shape[3];
  const vectors = Math.ceil(channels / 8);
  const filterBytes = vectors * taps * 16;
  const filters = packed(context, `short filters ${zero}`, weight, (filterBytes + lanes + 16) / 4, (target) =>
    packFilters(target, context.at(weight), { channels, taps, zero, filterBytes, lanes }),
  );
  const [biases, factors] = [bias, factor].map((row) =>
    packed(context, "shorts", row, vectors * 4, (target) => packShorts(target, context.at(row), vectors)),
  );
  return {
    args: { packed: filters.at, zeros: shifted(filters.at, filterBytes), bias: biases.at, factor: factors.at },
    steps: [...filters.steps, ...biases.steps, ...factors.steps],
  };
}

/** Steps of a depthwise convolution of bytes. */
export const integerDepthwise: Lower = (node, context) => {
  const bounds = boundsOf(node, context);
  const [x, weight] = node.inputs;
  const [y] = node.outputs;
  const kernel: Pair = [weight.shape[2], weight.shape[3]];
  if (!bounds || kernel[0] * kernel[1] > MOST_TAPS) return undefined;
  const { stride, padding } = node.attrs as IntegerDepthwise;
  const [images, channels, height, width] = x.shape;
  const [, , outHeight, outWidth] = y.shape;
  const lanes = lanesOf(channels, "u7");
  const tile = tileOf(kernel, stride, [outHeight, outWidth]);
  const tileRows = Math.ceil(outHeight / tile[0]);
  const operands = operandsOf(node, lanes, context);
  const places = { x: context.at(x), y: context.at(y), ...operands.args };
  const sizes = { height, width, outHeight, outWidth, top: padding[0], left: padding[2], pixel: lanes, tileRows };
  const kind = { kernel, stride, tile, isThin: lanes === 4, bounds };
  return [...operands.steps, step(kernelOf(kind), images * tileRows, { ...places, ...sizes, ...bounds.args })];
};
