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
import { type Arguments, wasmKernel } from "../module.ts";
import type { Pair, WindowSizes } from "./window.ts";

/** One gradient. */
export interface DepthwiseSums extends WindowSizes {
  readonly x: Pointer;
  readonly dy: Pointer;
  /** [channel][tap], dense. */
  readonly dw: Pointer;
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
  zeros: "i32",
  height: "i32",
  width: "i32",
  outHeight: "i32",
  outWidth: "i32",
  top: "i32",
  left: "i32",
  pixel: "i32",
  tileRows: "i32",
  allRows: "i32",
  chunkRows: "i32",
} as const;

type Args = Arguments<typeof fields>;

interface Kind {
  readonly kernel: Pair;
  readonly stride: Pair;
}

/** Filter rows [first, last) of one pass. */
interface Pass {
  readonly first: number;
  readonly last: number;
}

function passesOf([rows, columns]: Pair): Pass[] {
  const most = Math.max(1, Math.floor(MOST_SUMS / columns));
  return Array.from({ length: Math.ceil(rows / most) }, (_, i) => ({ first: i * most, last: Math.min(rows, (i + 1) * most) }));
}

/** Pointers to a grid of pixels, the outside ones to zeros. */
function pixelPointers(
  k: Code,
  args: Args,
  grid: { base: Local<"i32">; image: Local<"i32">; rows: Local<"i32">; columns: Local<"i32"> },
  corner: readonly [Local<"i32">, Local<"i32">],
  [rows, columns]: Pair,
): Local<"i32">[][] {
  return Array.from({ length: rows }, (_, row) => {
    const y = k.local(corner[0].plus(row));
    const line = k.local(grid.image.times(grid.rows).plus(y).times(grid.columns));
    return Array.from({ length: columns }, (_, column) => {
      const x = k.local(corner[1].plus(column));
      const isInside = i32.and(i32.ltU(y, grid.rows), i32.ltU(x, grid.columns));
      return k.local(i32.select(isInside, grid.base.plus(line.plus(x).times(args.pixel)), args.zeros));
    });
  });
}

/** One pass over all vectors of channels; `pixel` is their bytes. */
function sumTile(
  k: Code,
  { kernel, stride }: Kind,
  pass: Pass,
  xs: Local<"i32">[][],
  dys: Local<"i32">[][],
  sums: Local<"i32">,
  pixel: Local<"i32">,
): void {
  const taps = kernel[0] * kernel[1];
  const columns = kernel[1];
  const at = k.local(sums);
  k.for({ to: pixel, step: 16 }, (done) => {
    const total = Array.from({ length: (pass.last - pass.first) * columns }, (_, i) =>
      k.local(v128.load(at, (pass.first * columns + i) * 16)),
    );
    const slopes = dys.map((row) => row.map((pointer) => k.local(v128.load(pointer.plus(done)))));
    for (const [y, row] of xs.entries()) {
      for (const [x, pointer] of row.entries()) {
        let value: Local<"v128"> | undefined;
        for (let ty = 0; ty < TILE[0]; ty++) {
          for (let tx = 0; tx < TILE[1]; tx++) {
            const [ky, kx] = [y - ty * stride[0], x - tx * stride[1]];
            if (ky < pass.first || ky >= pass.last || kx < 0 || kx >= columns) continue;
            value ??= k.local(v128.load(pointer.plus(done)));
            const sum = total[(ky - pass.first) * columns + kx];
            sum.set(k.madd(value, slopes[ty][tx], sum));
          }
        }
      }
    }
    for (const [i, sum] of total.entries()) k.store(at, sum, (pass.first * columns + i) * 16);
    at.add(taps * 16);
  });
}

function emitSums(kind: Kind, args: Args, k: Code): void {
  const { kernel, stride } = kind;
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
        const inputs = { base: args.x, image, rows: args.height, columns: args.width };
        const outputs = { base: args.dy, image, rows: args.outHeight, columns: args.outWidth };
        const xs = pixelPointers(k, args, inputs, [row, column], patch);
        const dys = pixelPointers(k, args, outputs, [outRow, outColumn], TILE);
        for (const pass of passesOf(kernel)) sumTile(k, kind, pass, xs, dys, sums, args.pixel);
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

/** The steps of one gradient. */
export function depthwiseSumSteps(sums: DepthwiseSums, context: LowerContext): readonly Step[] {
  const { x, dy, dw, images, channels, size, outSize, kernel, stride, before } = sums;
  const lanes = pad4(channels);
  const taps = kernel[0] * kernel[1];
  const tileRows = Math.ceil(outSize[0] / TILE[0]);
  const allRows = images * tileRows;
  const chunkRows = Math.ceil(allRows / Math.min(allRows, CHUNKS));
  const chunks = Math.ceil(allRows / chunkRows);
  const partial = context.scratch(chunks * lanes * taps);
  const zeros = context.scratch(lanes);
  const kernelName = `depthwise sums ${kernel.join("x")} stride ${stride.join("x")}`;
  const [[height, width], [outHeight, outWidth], [top, left]] = [size, outSize, before];
  const shape = { height, width, outHeight, outWidth, top, left, pixel: lanes * 4, tileRows, allRows, chunkRows };
  return [
    step(clear, 1, { y: zeros, vectors: lanes / 4 }),
    step(
      wasmKernel(kernelName, fields, (args, k) => emitSums({ kernel, stride }, args, k)),
      chunks,
      { x, dy, partial, zeros, ...shape },
    ),
    step(addChunks, lanes / 4, { dw, partial, chunks, taps, channels, chunkBytes: lanes * taps * 4 }),
  ];
}
