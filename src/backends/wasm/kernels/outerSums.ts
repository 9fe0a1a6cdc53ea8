/**
 * C = Aᵀ · B summed over rows (pixels), the product under every weight gradient that is not depthwise: A holds the outputs' gradients, B the
 * inputs or their windows.
 *
 * Rows are taken in blocks of BLOCK. A block of B is packed in panels [n/8][row][8] and one of A in strips [m/4][row][4], so that the
 * innermost loop reads two contiguous streams however the rows lie in memory; a tile of 4 × 8 sums is then loaded, extended by the block's
 * rows in registers and stored. A unit owns a slab of A's columns for a chunk of the rows (and one group); chunks are cut by shape alone.
 * Partial sums lie as [group][chunk][panel][strip][4][8] and a second step adds the chunks in order.
 */
import { type Code, type Expr, f32, f32x4, i32, type Local, v128 } from "../assembler.ts";
import { type LowerContext, type Pointer, type Step, step } from "../kernel.ts";
import { pad4 } from "../layout.ts";
import { type Arguments, type Fields, wasmKernel } from "../module.ts";

/** Rows of a block. */
const BLOCK = 32;
/** Bytes between panels and strips in packed blocks; the odd line keeps neighbours out of each other's cache sets. */
const PANEL_BYTES = BLOCK * 32 + 64;
const STRIP_BYTES = BLOCK * 16 + 64;
/** Strips in a slab: 64 columns of A. */
const SLAB = 16;
/** Units that are enough for any number of threads. */
const UNITS = 16;

/** Rows of B that are windows of an image [image][y][x][channel]: one run of `run` floats per tap. Strides in floats. */
export interface TapWindows {
  readonly outWidth: number;
  readonly outHeight: number;
  readonly height: number;
  readonly width: number;
  readonly stride: readonly [number, number];
  readonly before: readonly [number, number];
  readonly kernel: readonly [number, number];
}

/** One sum of outer products. */
export interface OuterSums {
  readonly a: Pointer;
  readonly lda: number;
  readonly b: Pointer;
  /** Floats between rows of B, or between its pixels. */
  readonly ldb: number;
  readonly windows?: TapWindows;
  readonly rows: number;
  readonly groups: number;
  /** Columns of A and B that belong to one group; with windows, n counts the run of one tap. */
  readonly m: number;
  readonly n: number;
  /** C: [group][m][taps · n], dense. */
  readonly c: Pointer;
}

const baseFields = {
  a: "i32",
  b: "i32",
  partial: "i32",
  scratch: "i32",
  scratchBytes: "i32",
  rows: "i32",
  chunkRows: "i32",
  chunks: "i32",
  slabs: "i32",
  strips: "i32",
  panels: "i32",
  lda: "i32",
  ldb: "i32",
  aGroup: "i32",
  bGroup: "i32",
} as const;

const windowFields = {
  run: "i32",
  outWidth: "i32",
  outHeight: "i32",
  height: "i32",
  width: "i32",
  strideRows: "i32",
  strideColumns: "i32",
  top: "i32",
  left: "i32",
  kernelRows: "i32",
  kernelColumns: "i32",
} as const;

type Args = Arguments<typeof baseFields & typeof windowFields>;

/** Copies `count` vectors of a row into strips (one vector each) or panels (two), whose places are `step` bytes apart. */
function packRow(k: Code, from: Expr<"i32">, to: Expr<"i32">, count: Expr<"i32">, vectors: 1 | 2, step: number): void {
  const source = k.local(from);
  const target = k.local(to);
  k.for({ to: count }, () => {
    for (let i = 0; i < vectors; i++) k.store(target, v128.load(source, i * 16), i * 16);
    source.add(vectors * 16);
    target.add(step);
  });
}

/** Writes the window of output pixel `row` into the line buffer, tap by tap; zeros outside the image. A run's last vector may spill into the next run. */
function gatherWindow(k: Code, args: Args, row: Local<"i32">, base: Expr<"i32">, buffer: Local<"i32">): void {
  const line = k.local(i32.divU(row, args.outWidth));
  const image = k.local(i32.divU(line, args.outHeight));
  const top = k.local(line.minus(image.times(args.outHeight)).times(args.strideRows).minus(args.top));
  const left = k.local(row.minus(line.times(args.outWidth)).times(args.strideColumns).minus(args.left));
  const target = k.local(buffer);
  k.for({ to: args.kernelRows }, (ky) => {
    const y = k.local(top.plus(ky));
    const isRow = k.local(i32.ltU(y, args.height));
    const start = k.local(base.plus(image.times(args.height).plus(y).times(args.width).times(args.ldb)));
    k.for({ to: args.kernelColumns }, (kx) => {
      const x = k.local(left.plus(kx));
      const source = k.local(start.plus(x.times(args.ldb)));
      k.if(
        i32.and(isRow, i32.ltU(x, args.width)),
        () => k.for({ to: args.run, step: 16 }, (at) => k.store(target.plus(at), v128.load(source.plus(at)))),
        () => k.for({ to: args.run, step: 16 }, (at) => k.store(target.plus(at), f32x4.const(0))),
      );
      target.add(args.run);
    });
  });
}

/** The 4 × 8 sums at `sums` grow by `count` rows of a strip and a panel. */
function extendTile(k: Code, strip: Local<"i32">, panel: Local<"i32">, count: Local<"i32">, sums: Local<"i32">): void {
  const c = Array.from({ length: 8 }, (_, i) => k.local(v128.load(sums, i * 16)));
  const b = k.local(panel);
  k.for({ from: strip, to: k.local(strip.plus(count.times(16))), step: 16 }, (a) => {
    const low = k.local(v128.load(b));
    const high = k.local(v128.load(b, 16));
    b.add(32);
    for (let i = 0; i < 4; i++) {
      const x = k.local(f32x4.loadSplat(a, i * 4));
      c[2 * i].set(k.madd(x, low, c[2 * i]));
      c[2 * i + 1].set(k.madd(x, high, c[2 * i + 1]));
    }
  });
  for (const [i, sum] of c.entries()) k.store(sums, sum, i * 16);
}

function emitOuterSums(isWindowed: boolean, args: Args, k: Code): void {
  // Threads must not share packed blocks: each uses the place of the first unit it was given.
  const packedB = k.local(args.scratch.plus(args.begin.times(args.scratchBytes)));
  const packedA = k.local(packedB.plus(args.panels.times(PANEL_BYTES)));
  const buffer = k.local(packedA.plus(SLAB * STRIP_BYTES));
  const tileRow = k.local(args.strips.times(128));
  k.for({ from: args.begin, to: args.end }, (unit) => {
    const part = k.local(i32.divU(unit, args.slabs));
    const firstStrip = k.local(unit.minus(part.times(args.slabs)).times(SLAB));
    const strips = k.local(i32.min(args.strips.minus(firstStrip), SLAB));
    const group = k.local(i32.divU(part, args.chunks));
    const first = k.local(part.minus(group.times(args.chunks)).times(args.chunkRows));
    const last = k.local(i32.min(first.plus(args.chunkRows), args.rows));
    const own = k.local(args.partial.plus(part.times(args.panels).times(tileRow)).plus(firstStrip.times(128)));
    k.for({ to: args.panels }, (panel) => {
      const at = k.local(own.plus(panel.times(tileRow)));
      k.for({ to: strips.times(128), step: 16 }, (offset) => k.store(at.plus(offset), f32x4.const(0)));
    });
    k.for({ from: first, to: last, step: BLOCK }, (block) => {
      const count = k.local(i32.min(last.minus(block), BLOCK));
      const aStart = k.local(args.a.plus(group.times(args.aGroup)).plus(firstStrip.times(16)));
      const bStart = k.local(args.b.plus(group.times(args.bGroup)));
      k.for({ to: count }, (row) => {
        const index = k.local(block.plus(row));
        packRow(k, aStart.plus(index.times(args.lda)), packedA.plus(row.times(16)), strips, 1, STRIP_BYTES);
        if (isWindowed) gatherWindow(k, args, index, bStart, buffer);
        const source = isWindowed ? buffer : bStart.plus(index.times(args.ldb));
        packRow(k, source, packedB.plus(row.times(32)), args.panels, 2, PANEL_BYTES);
      });
      k.for({ to: args.panels }, (panel) => {
        const sums = k.local(own.plus(panel.times(tileRow)));
        const b = k.local(packedB.plus(panel.times(PANEL_BYTES)));
        const a = k.local(packedA);
        k.for({ to: strips }, () => {
          extendTile(k, a, b, count, sums);
          a.add(STRIP_BYTES);
          sums.add(128);
        });
      });
    });
  });
}

const pointSums = wasmKernel("outer sums of rows", baseFields, (args, k) => emitOuterSums(false, args as unknown as Args, k));
const windowSums = wasmKernel("outer sums of windows", { ...baseFields, ...windowFields }, (args, k) => emitOuterSums(true, args, k));

const addFields = { c: "i32", partial: "i32", chunks: "i32", strips: "i32", panels: "i32", m: "i32", n: "i32" } as const;

/** One row of C: the chunks' sums, out of their tiles. A row ends where the next begins, so its last vector is stored in part. */
const addChunks = wasmKernel("add outer sums", addFields, ({ c, partial, chunks, strips, panels, m, n, begin, end }, k) => {
  const tileRow = k.local(strips.times(128));
  const chunkBytes = k.local(panels.times(tileRow));
  k.for({ from: begin, to: end }, (unit) => {
    const group = k.local(i32.divU(unit, m));
    const row = k.local(unit.minus(group.times(m)));
    const tile = k.local(
      partial.plus(group.times(chunks).times(chunkBytes)).plus(i32.shr(row, 2).times(128)).plus(i32.and(row, 3).times(32)),
    );
    const to = k.local(c.plus(unit.times(n).times(4)));
    k.for({ to: n, step: 4 }, (column) => {
      const sum = k.local(f32x4.const(0));
      const at = k.local(tile.plus(i32.shr(column, 3).times(tileRow)).plus(i32.and(column, 4).times(4)));
      k.for({ to: chunks }, () => {
        sum.set(f32x4.add(sum, v128.load(at)));
        at.add(chunkBytes);
      });
      k.if(
        i32.le(column.plus(4), n),
        () => k.store(to, sum),
        () => {
          k.store(to, f32.lane(sum, 0));
          for (const lane of [1, 2]) k.if(i32.gt(n.minus(column), lane), () => k.store(to, f32.lane(sum, lane), lane * 4));
        },
      );
      to.add(16);
    });
  });
});

/** How the work is cut: slabs of A's columns, and as many chunks of rows as make enough units. */
function cut(rows: number, groups: number, strips: number): { slabs: number; chunkRows: number; chunks: number } {
  const slabs = Math.ceil(strips / SLAB);
  const blocks = Math.ceil(rows / BLOCK);
  const wanted = Math.min(blocks, Math.ceil(UNITS / (groups * slabs)));
  const chunkRows = Math.ceil(blocks / wanted) * BLOCK;
  return { slabs, chunkRows, chunks: Math.ceil(rows / chunkRows) };
}

/** The steps of one sum of outer products. */
export function outerSumSteps(sums: OuterSums, context: LowerContext): readonly Step[] {
  const { a, b, rows, groups, m, n, windows } = sums;
  const taps = windows ? windows.kernel[0] * windows.kernel[1] : 1;
  const strips = Math.ceil(m / 4);
  const panels = Math.ceil((n * taps) / 8);
  const { slabs, chunkRows, chunks } = cut(rows, groups, strips);
  const units = groups * chunks * slabs;
  const partial = context.scratch(groups * chunks * panels * strips * 32);
  const lineFloats = windows ? pad4(panels * 8 + 4) : 0;
  const scratchBytes = panels * PANEL_BYTES + SLAB * STRIP_BYTES + lineFloats * 4;
  const shape = { rows, chunkRows, chunks, slabs, strips, panels, lda: sums.lda * 4, ldb: sums.ldb * 4, aGroup: m * 4, bGroup: n * 4 };
  const args = { a, b, partial, scratch: context.scratch((units * scratchBytes) / 4), scratchBytes, ...shape };
  const first = windows ? step<Fields>(windowSums, units, { ...args, ...windowArgs(windows, n) }) : step(pointSums, units, args);
  return [first, step(addChunks, groups * m, { c: sums.c, partial, chunks, strips, panels, m, n: n * taps })];
}

function windowArgs(
  { outWidth, outHeight, height, width, stride, before, kernel }: TapWindows,
  run: number,
): Record<keyof typeof windowFields, number> {
  const [[strideRows, strideColumns], [top, left], [kernelRows, kernelColumns]] = [stride, before, kernel];
  return { run: run * 4, outWidth, outHeight, height, width, strideRows, strideColumns, top, left, kernelRows, kernelColumns };
}
