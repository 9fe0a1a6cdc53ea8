/**
 * The gradient of filters whose groups have few inputs, depthwise ones among them: dw[output][tap][input] = Σ dy · x over all windows. Four outputs
 * a vector, channels innermost; a vector of output gradients meets the inputs of its groups step by step (narrowGroups.ts).
 *
 * A tile of output gradients meets the pixels under it once; the sums of the tile's taps lie in memory as [vector][tap][input] and are loaded,
 * extended and stored once a tile. Pixels outside the image and gradients outside the output come from a row of zeros. Large filters go in
 * passes of a few filter rows or inputs, so that their sums fit the registers. A unit is a chunk of the tile rows; chunks
 * are cut by shape alone, and a second step adds them in order.
 */
import { type Code, type Expr, f32, f32x4, i32, type Local, v128 } from "../assembler.ts";
import { type LowerContext, type Pointer, type Step, step } from "../kernel.ts";
import { pad4 } from "../layout.ts";
import { type Arguments, type Fields, wasmKernel } from "../module.ts";
import { outputPlace, patchOf, usesOf } from "./depthwise.ts";
import { blockGroups, blocksOf, type GroupSizes, type Lanes, laneReader, lanesOf } from "./narrowGroups.ts";
import { changeSteps } from "./operands.ts";
import type { Preparation, Tap, TapCode } from "./taps.ts";
import { type Pair, tileFields, type WindowSizes } from "./window.ts";

/** One gradient. */
export interface NarrowSums extends WindowSizes {
  readonly tap: Tap;
  readonly x: Pointer;
  readonly dy: Pointer;
  /** [output][tap][input], dense. */
  readonly dw: Pointer;
  /** The tap's third operand, in lanes [vector][tap][input][4]. */
  readonly own?: Pointer;
  readonly images: number;
  readonly groups: number;
  readonly sizes: GroupSizes;
}

/** Most columns of a tile that is one row of output gradients. */
const LONGEST = 8;
/** Sums that fit the registers beside a tile's gradients and a pixel. */
const MOST_SUMS = 11;
/** Chunks that are enough for any number of threads. */
const CHUNKS = 32;
/** Inputs of a group, products of an output and vectors of a block that are still written out. */
const [MOST_INPUTS, MOST_PRODUCTS, MOST_VECTORS] = [7, 81, 8];

/** True for groups whose sums are written out here. */
export function isNarrowServed(sizes: GroupSizes, [rows, columns]: Pair): boolean {
  const { inputs, outputs } = sizes;
  const vectors = (blockGroups(sizes, 4) * outputs) / 4;
  return inputs <= MOST_INPUTS && rows * columns * inputs <= MOST_PRODUCTS && vectors <= MOST_VECTORS;
}

const fields = {
  x: "i32",
  dy: "i32",
  partial: "i32",
  xZeros: "i32",
  dyZeros: "i32",
  ...tileFields,
  xPixel: "i32",
  allRows: "i32",
  chunkRows: "i32",
  blocks: "i32",
} as const;

type Args = Arguments<typeof fields & { readonly own: "i32" }>;

interface Kind {
  readonly tap: Tap;
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly tile: Pair;
  readonly sizes: GroupSizes;
  /** Groups behind the last whole block. */
  readonly rest: number;
}

/** From `first` to before `last`. */
interface Range {
  readonly first: number;
  readonly last: number;
}

/** Filter rows and inputs of one pass. */
interface Pass {
  readonly rows: Range;
  readonly inputs: Range;
}

/** `count` in as few parts of at most `most` as there must be, of nearly equal length. */
function parts(count: number, most: number): Range[] {
  const length = Math.ceil(count / Math.ceil(count / most));
  return Array.from({ length: Math.ceil(count / length) }, (_, i) => ({ first: i * length, last: Math.min(count, (i + 1) * length) }));
}

function passesOf({ tap, kernel: [rows, columns], sizes: { inputs } }: Kind): Pass[] {
  // A third operand takes as many registers as the sums.
  const most = Math.max(1, Math.floor(MOST_SUMS / (tap.hasOwn ? 2 : 1) / columns));
  const someRows = parts(rows, Math.max(1, Math.floor(most / inputs)));
  return someRows.flatMap((range) => parts(inputs, most).map((some) => ({ rows: range, inputs: some })));
}

/** Pointers to a grid of pixels, the outside ones to zeros. */
function pixelPointers(
  k: Code,
  grid: Record<"base" | "zeros" | "image" | "rows" | "columns" | "pixel", Local<"i32">>,
  corner: readonly [Local<"i32">, Local<"i32">],
  [rows, columns]: Pair,
): Local<"i32">[][] {
  return Array.from({ length: rows }, (_, row) => {
    const y = k.local(corner[0].plus(row));
    const line = k.local(grid.image.times(grid.rows).plus(y).times(grid.columns));
    return Array.from({ length: columns }, (_, column) => {
      const x = k.local(corner[1].plus(column));
      const isInside = i32.and(i32.ltU(y, grid.rows), i32.ltU(x, grid.columns));
      return k.local(i32.select(isInside, grid.base.plus(line.plus(x).times(grid.pixel)), grid.zeros));
    });
  });
}

/** What a pass over a tile reads and extends: pointers to pixels and gradients, and where its sums lie. */
interface Tile {
  readonly xs: readonly (readonly Local<"i32">[])[];
  readonly dys: readonly (readonly Local<"i32">[])[];
  readonly sums: Local<"i32">;
}

/** Where a vector of outputs is: bytes to its gradients and to its block's inputs, its sums, its third operands, and its lanes in each step. */
interface VectorPlace {
  readonly done: Local<"i32">;
  readonly from: Local<"i32">;
  readonly at: Local<"i32">;
  readonly third: Local<"i32"> | undefined;
  readonly lanes: (step: number) => Lanes;
}

/**
 * Output gradients of a tile. The sums of depthwise filters take several filter rows at once, which share the pixels of a square; others take one, and a
 * pixel's shuffled inputs are then best shared along a row.
 */
function tileOf({ inputs }: GroupSizes, [, columns]: Pair): Pair {
  return inputs === 1 ? [2, 2] : [1, Math.ceil(columns / Math.ceil(columns / LONGEST))];
}

/** The sums of one vector of outputs in one pass. */
function sumVector(k: Code, kind: Kind, tap: TapCode, pass: Pass, { xs, dys }: Tile, { done, from, at, third, lanes }: VectorPlace): void {
  const { kernel, sizes } = kind;
  const columns = kernel[1];
  const steps = Array.from({ length: pass.inputs.last - pass.inputs.first }, (_, i) => pass.inputs.first + i);
  const places = Array.from({ length: (pass.rows.last - pass.rows.first) * columns }, (_, i) => pass.rows.first * columns + i).flatMap(
    (index) => steps.map((step) => (index * sizes.inputs + step) * 16),
  );
  const owns = third ? places.map((place) => k.local(tap.own(v128.load(third, place)))) : [];
  // Sums that a third operand finishes start anew in every tile.
  const total = places.map((place) => k.local(third ? f32x4.const(0) : v128.load(at, place)));
  // Gradients are loaded where they are first met: a long row of them would not fit the registers.
  const slopes = new Map<number, Local<"v128">>();
  const slopeAt = (output: number): Local<"v128"> => {
    const [row, column] = outputPlace(kind, output);
    const slope = slopes.get(output) ?? k.local(v128.load(dys[row][column].plus(done)));
    slopes.set(output, slope);
    return slope;
  };
  for (const [y, row] of xs.entries()) {
    for (const [x, pointer] of row.entries()) {
      const uses = usesOf(kind, y, x).filter(({ index }) => index >= pass.rows.first * columns && index < pass.rows.last * columns);
      if (uses.length === 0) continue;
      const read = laneReader(k, k.local(pointer.plus(from)));
      for (const [i, step] of steps.entries()) {
        const value = k.local(read(lanes(step)));
        for (const { output, index } of uses) {
          const sum = (index - pass.rows.first * columns) * steps.length + i;
          total[sum].set(tap.add(total[sum], slopeAt(output), value, owns[sum], undefined));
        }
      }
    }
  }
  for (const [i, sum] of total.entries()) {
    k.store(at, third ? f32x4.add(tap.finish(sum, owns[i]), v128.load(at, places[i])) : sum, places[i]);
  }
}

/** One pass over all vectors of outputs, block by block. */
function sumTile(k: Code, kind: Kind, tap: TapCode, pass: Pass, tile: Tile, { blocks, ...args }: Args): void {
  const { sizes } = kind;
  const bytes = kind.kernel[0] * kind.kernel[1] * sizes.inputs * 16;
  const [done, from, at] = [k.local(i32.const(0)), k.local(i32.const(0)), k.local(tile.sums)];
  const third = kind.tap.hasOwn ? k.local(args.own) : undefined;
  const block = (groups: number): void => {
    for (let first = 0; first < groups * sizes.outputs; first += 4) {
      const lanes = (step: number): Lanes => lanesOf(sizes, groups, first, step);
      sumVector(k, kind, tap, pass, tile, { done, from, at, third, lanes });
      third?.add(bytes);
      at.add(bytes);
      done.add(16);
    }
    from.add(groups * sizes.inputs * 4);
  };
  k.for({ to: blocks }, () => block(blockGroups(sizes, 4)));
  block(kind.rest);
}

function emitSums(kind: Kind, args: Args, k: Code): void {
  const { kernel, stride, tile } = kind;
  const tap = kind.tap.begin(k);
  const products = kernel[0] * kernel[1] * kind.sizes.inputs;
  const patch = patchOf(kind);
  k.for({ from: args.begin, to: args.end }, (unit) => {
    const bytes = k.local(args.pixel.times(products));
    const sums = k.local(args.partial.plus(unit.times(bytes)));
    k.for({ to: bytes, step: 16 }, (at) => k.store(sums.plus(at), f32x4.const(0)));
    const first = k.local(unit.times(args.chunkRows));
    k.for({ from: first, to: k.local(i32.min(first.plus(args.chunkRows), args.allRows)) }, (tileRow) => {
      const image = k.local(i32.divU(tileRow, args.tileRows));
      const outRow = k.local(tileRow.minus(image.times(args.tileRows)).times(tile[0]));
      const row = k.local(outRow.times(stride[0]).minus(args.top));
      k.for({ to: args.outWidth, step: tile[1] }, (outColumn) => {
        const column = k.local(outColumn.times(stride[1]).minus(args.left));
        const inputs = { base: args.x, zeros: args.xZeros, image, rows: args.height, columns: args.width, pixel: args.xPixel };
        const outputs = { base: args.dy, zeros: args.dyZeros, image, rows: args.outHeight, columns: args.outWidth, pixel: args.pixel };
        const xs = pixelPointers(k, inputs, [row, column], patch);
        const dys = pixelPointers(k, outputs, [outRow, outColumn], tile);
        for (const pass of passesOf(kind)) sumTile(k, kind, tap, pass, { xs, dys, sums }, args);
      });
    });
  });
}

/** A unit is one vector of outputs, for which it adds all chunks; then each output's `products` sums are stored, existing outputs only. */
const addFields = { dw: "i32", partial: "i32", chunks: "i32", products: "i32", outputs: "i32", chunkBytes: "i32" } as const;
const addChunks = wasmKernel("add narrow sums", addFields, ({ dw, partial, chunks, products, outputs, chunkBytes, begin, end }, k) => {
  k.for({ from: begin, to: end }, (vector) => {
    const outputStep = k.local(products.times(4));
    k.for({ to: products }, (product) => {
      const at = k.local(partial.plus(vector.times(products).plus(product).times(16)));
      const sum = k.local(f32x4.const(0));
      k.for({ to: chunks }, () => {
        sum.set(f32x4.add(sum, v128.load(at)));
        at.add(chunkBytes);
      });
      const to = k.local(dw.plus(vector.times(4).times(products).plus(product).times(4)));
      for (let lane = 0; lane < 4; lane++) {
        k.if(i32.lt(vector.times(4).plus(lane), outputs), () => k.store(to, f32.lane(sum, lane)));
        if (lane < 3) to.add(outputStep);
      }
    });
  });
});

/** Row of zeros, one pixel. */
const clear = wasmKernel("clear", { y: "i32", vectors: "i32" }, ({ y, vectors, begin, end }, k) => {
  k.for({ from: begin, to: end }, () =>
    k.for({ to: vectors.times(16), step: 16 }, (at: Expr<"i32">) => k.store(y.plus(at), f32x4.const(0))),
  );
});

/** A pixel of zeros as the tap wants them. */
function zeroRow(y: Pointer, lanes: number, preparation: Preparation | undefined): readonly Step[] {
  return [step(clear, 1, { y, vectors: lanes / 4 }), ...(preparation ? changeSteps(y, lanes, preparation) : [])];
}

function kernelOf(kind: Kind): ReturnType<typeof wasmKernel<Fields>> {
  const { tap, kernel, stride, tile, sizes, rest } = kind;
  const groups = `${sizes.inputs} to ${sizes.outputs} rest ${rest}`;
  const key = `narrow${tap.key} sums ${kernel.join("x")} stride ${stride.join("x")} tile ${tile.join("x")} groups of ${groups}`;
  return wasmKernel<Fields>(key, tap.hasOwn ? { ...fields, own: "i32" } : fields, (args, k) => emitSums(kind, args as unknown as Args, k));
}

/** The steps of one gradient. */
export function narrowSumSteps(sums: NarrowSums, context: LowerContext): readonly Step[] {
  const { tap, x, dy, dw, own, images, groups, sizes, size, outSize, kernel, stride, before } = sums;
  const outputs = groups * sizes.outputs;
  const [xLanes, lanes] = [pad4(groups * sizes.inputs), pad4(outputs)];
  const products = kernel[0] * kernel[1] * sizes.inputs;
  const tile = tileOf(sizes, outSize);
  const tileRows = Math.ceil(outSize[0] / tile[0]);
  const allRows = images * tileRows;
  const chunkRows = Math.ceil(allRows / Math.min(allRows, CHUNKS));
  const chunks = Math.ceil(allRows / chunkRows);
  const partial = context.scratch(chunks * lanes * products);
  const [xZeros, dyZeros] = [context.scratch(xLanes), context.scratch(lanes)];
  const { blocks, rest } = blocksOf(sizes, groups, 4);
  const [[height, width], [outHeight, outWidth], [top, left]] = [size, outSize, before];
  const shape = { height, width, outHeight, outWidth, top, left, pixel: lanes * 4, xPixel: xLanes * 4 };
  const args = { x, dy, partial, xZeros, dyZeros, ...(own ? { own } : {}), ...shape, tileRows, allRows, chunkRows, blocks };
  return [
    ...zeroRow(xZeros, xLanes, tap.b),
    ...zeroRow(dyZeros, lanes, tap.a),
    step<Fields>(kernelOf({ tap, kernel, stride, tile, sizes, rest }), chunks, args),
    step(addChunks, lanes / 4, { dw, partial, chunks, products, outputs, chunkBytes: lanes * products * 4 }),
  ];
}
