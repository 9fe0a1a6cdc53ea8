/**
 * The gradient of depthwise filters: dw[channel][tap] = Σ dy · x over all windows. Four channels a vector, channels innermost.
 *
 * A tile of output gradients meets the pixels under it once; the sums of the tile's taps lie in memory as [vector][tap] and are loaded,
 * extended and stored once a tile. Pixels outside the image and gradients outside the output come from a row of zeros. Large filters go in
 * passes of a few filter rows, so that their sums fit the registers. A unit is a chunk of the tile rows; chunks
 * are cut by shape alone, and a second step adds them in order.
 */
import { type Code, type Expr, f32, f32x4, i32, type Local, v128 } from "../assembler.ts";
import { type LowerContext, type Pointer, type Step, step } from "../kernel.ts";
import { pad4 } from "../layout.ts";
import { type Arguments, type Fields, wasmKernel } from "../module.ts";
import { changeSteps } from "./operands.ts";
import type { Preparation, Tap, TapCode } from "./taps.ts";
import { type Pair, tileFields, type WindowSizes } from "./window.ts";

/** One gradient. */
export interface DepthwiseSums extends WindowSizes {
  readonly tap: Tap;
  readonly x: Pointer;
  readonly dy: Pointer;
  /** [channel][tap], dense. */
  readonly dw: Pointer;
  /** The tap's third operand, in lanes [vector][tap][4]. */
  readonly own?: Pointer;
  readonly images: number;
  readonly channels: number;
}

/** Output gradients of a tile. */
const TILE: Pair = [2, 2];
/** Sums that fit the registers beside a tile's gradients and a pixel. */
const MOST_SUMS = 11;
/** Chunks that are enough for any number of threads. */
const CHUNKS = 32;

const fields = {
  x: "i32",
  dy: "i32",
  partial: "i32",
  xZeros: "i32",
  dyZeros: "i32",
  ...tileFields,
  allRows: "i32",
  chunkRows: "i32",
} as const;

type Args = Arguments<typeof fields & { readonly own: "i32" }>;

interface Kind {
  readonly tap: Tap;
  readonly kernel: Pair;
  readonly stride: Pair;
}

/** Filter rows [first, last) of one pass. */
interface Pass {
  readonly first: number;
  readonly last: number;
}

function passesOf({ tap, kernel: [rows, columns] }: Kind): Pass[] {
  // A third operand takes as many registers as the sums.
  const most = Math.max(1, Math.floor(MOST_SUMS / (tap.hasOwn ? 2 : 1) / columns));
  return Array.from({ length: Math.ceil(rows / most) }, (_, i) => ({ first: i * most, last: Math.min(rows, (i + 1) * most) }));
}

/** Pointers to a grid of pixels, the outside ones to zeros. */
function pixelPointers(
  k: Code,
  args: Args,
  grid: { base: Local<"i32">; zeros: Local<"i32">; image: Local<"i32">; rows: Local<"i32">; columns: Local<"i32"> },
  corner: readonly [Local<"i32">, Local<"i32">],
  [rows, columns]: Pair,
): Local<"i32">[][] {
  return Array.from({ length: rows }, (_, row) => {
    const y = k.local(corner[0].plus(row));
    const line = k.local(grid.image.times(grid.rows).plus(y).times(grid.columns));
    return Array.from({ length: columns }, (_, column) => {
      const x = k.local(corner[1].plus(column));
      const isInside = i32.and(i32.ltU(y, grid.rows), i32.ltU(x, grid.columns));
      return k.local(i32.select(isInside, grid.base.plus(line.plus(x).times(args.pixel)), grid.zeros));
    });
  });
}

/** One pass over all vectors of channels; `pixel` is their bytes. */
function sumTile(
  k: Code,
  { tap: kind, kernel, stride }: Kind,
  tap: TapCode,
  pass: Pass,
  xs: Local<"i32">[][],
  dys: Local<"i32">[][],
  sums: Local<"i32">,
  { pixel, own: ownAt }: Args,
): void {
  const taps = kernel[0] * kernel[1];
  const columns = kernel[1];
  const at = k.local(sums);
  const third = kind.hasOwn ? k.local(ownAt) : undefined;
  k.for({ to: pixel, step: 16 }, (done) => {
    const places = Array.from({ length: (pass.last - pass.first) * columns }, (_, i) => (pass.first * columns + i) * 16);
    const owns = third ? places.map((place) => k.local(tap.own(v128.load(third, place)))) : [];
    // Sums that a third operand finishes start anew in every tile.
    const total = places.map((place) => k.local(third ? f32x4.const(0) : v128.load(at, place)));
    const slopes = dys.map((row) => row.map((pointer) => k.local(v128.load(pointer.plus(done)))));
    for (const [y, row] of xs.entries()) {
      for (const [x, pointer] of row.entries()) {
        let value: Local<"v128"> | undefined;
        for (let ty = 0; ty < TILE[0]; ty++) {
          for (let tx = 0; tx < TILE[1]; tx++) {
            const [ky, kx] = [y - ty * stride[0], x - tx * stride[1]];
            if (ky < pass.first || ky >= pass.last || kx < 0 || kx >= columns) continue;
            value ??= k.local(v128.load(pointer.plus(done)));
            const index = (ky - pass.first) * columns + kx;
            total[index].set(tap.add(total[index], slopes[ty][tx], value, owns[index], undefined));
          }
        }
      }
    }
    for (const [i, sum] of total.entries()) {
      k.store(at, third ? f32x4.add(tap.finish(sum, owns[i]), v128.load(at, places[i])) : sum, places[i]);
    }
    third?.add(taps * 16);
    at.add(taps * 16);
  });
}

function emitSums(kind: Kind, args: Args, k: Code): void {
  const { kernel, stride } = kind;
  const tap = kind.tap.begin(k);
  const taps = kernel[0] * kernel[1];
  const patch: Pair = [(TILE[0] - 1) * stride[0] + kernel[0], (TILE[1] - 1) * stride[1] + kernel[1]];
  k.for({ from: args.begin, to: args.end }, (unit) => {
    const bytes = k.local(args.pixel.times(taps));
    const sums = k.local(args.partial.plus(unit.times(bytes)));
    k.for({ to: bytes, step: 16 }, (at) => k.store(sums.plus(at), f32x4.const(0)));
    const first = k.local(unit.times(args.chunkRows));
    k.for({ from: first, to: k.local(i32.min(first.plus(args.chunkRows), args.allRows)) }, (tileRow) => {
      const image = k.local(i32.divU(tileRow, args.tileRows));
      const outRow = k.local(tileRow.minus(image.times(args.tileRows)).times(TILE[0]));
      const row = k.local(outRow.times(stride[0]).minus(args.top));
      k.for({ to: args.outWidth, step: TILE[1] }, (outColumn) => {
        const column = k.local(outColumn.times(stride[1]).minus(args.left));
        const inputs = { base: args.x, zeros: args.xZeros, image, rows: args.height, columns: args.width };
        const outputs = { base: args.dy, zeros: args.dyZeros, image, rows: args.outHeight, columns: args.outWidth };
        const xs = pixelPointers(k, args, inputs, [row, column], patch);
        const dys = pixelPointers(k, args, outputs, [outRow, outColumn], TILE);
        for (const pass of passesOf(kind)) sumTile(k, kind, tap, pass, xs, dys, sums, args);
      });
    });
  });
}

/** A unit is one vector of channels, for which it adds all chunks; then each channel's taps are stored, existing channels only. */
const addFields = { dw: "i32", partial: "i32", chunks: "i32", taps: "i32", channels: "i32", chunkBytes: "i32" } as const;
const addChunks = wasmKernel("add depthwise sums", addFields, ({ dw, partial, chunks, taps, channels, chunkBytes, begin, end }, k) => {
  k.for({ from: begin, to: end }, (vector) => {
    const tapStep = k.local(taps.times(4));
    k.for({ to: taps }, (tap) => {
      const at = k.local(partial.plus(vector.times(taps).plus(tap).times(16)));
      const sum = k.local(f32x4.const(0));
      k.for({ to: chunks }, () => {
        sum.set(f32x4.add(sum, v128.load(at)));
        at.add(chunkBytes);
      });
      const to = k.local(dw.plus(vector.times(4).times(taps).plus(tap).times(4)));
      for (let lane = 0; lane < 4; lane++) {
        k.if(i32.lt(vector.times(4).plus(lane), channels), () => k.store(to, f32.lane(sum, lane)));
        if (lane < 3) to.add(tapStep);
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

/** The steps of one gradient. */
export function depthwiseSumSteps(sums: DepthwiseSums, context: LowerContext): readonly Step[] {
  const { tap, x, dy, dw, own, images, channels, size, outSize, kernel, stride, before } = sums;
  const lanes = pad4(channels);
  const taps = kernel[0] * kernel[1];
  const tileRows = Math.ceil(outSize[0] / TILE[0]);
  const allRows = images * tileRows;
  const chunkRows = Math.ceil(allRows / Math.min(allRows, CHUNKS));
  const chunks = Math.ceil(allRows / chunkRows);
  const partial = context.scratch(chunks * lanes * taps);
  const [xZeros, dyZeros] = [context.scratch(lanes), context.scratch(lanes)];
  const kernelName = `depthwise${tap.key} sums ${kernel.join("x")} stride ${stride.join("x")}`;
  const [[height, width], [outHeight, outWidth], [top, left]] = [size, outSize, before];
  const shape = { height, width, outHeight, outWidth, top, left, pixel: lanes * 4, tileRows, allRows, chunkRows };
  return [
    ...zeroRow(xZeros, lanes, tap.b),
    ...zeroRow(dyZeros, lanes, tap.a),
    step<Fields>(
      wasmKernel<Fields>(kernelName, own ? { ...fields, own: "i32" } : fields, (args, k) =>
        emitSums({ tap, kernel, stride }, args as unknown as Args, k),
      ),
      chunks,
      { x, dy, partial, xZeros, dyZeros, ...(own ? { own } : {}), ...shape },
    ),
    step(addChunks, lanes / 4, { dw, partial, chunks, taps, channels, chunkBytes: lanes * taps * 4 }),
  ];
}
