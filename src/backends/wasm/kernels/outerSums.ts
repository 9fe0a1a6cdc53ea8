/**
 * C = Aᵀ · B summed over rows (pixels), the product under every weight gradient that is not depthwise: A holds the outputs' gradients, B the
 * inputs or their windows.
 *
 * Rows are taken in blocks of BLOCK. Where it pays, a block of B is packed in panels [n/8][row][8] and one of A in strips [m/4][row][4], so that the
 * innermost loop reads two contiguous streams however the rows lie in memory; a tile of 4 × 8 sums is then loaded, extended by the block's
 * rows in registers and stored. A unit owns a slab of A's columns for a chunk of the rows (and one group); chunks are cut by shape alone.
 * Partial sums lie as [group][chunk][panel][strip][4][8] and a second step adds the chunks in order; a single chunk of whole tiles sums into C.
 */
import { type Code, type Expr, f32x4, i32, type Local, v128 } from "../assembler.ts";
import { type LowerContext, type Pointer, type Step, step } from "../kernel.ts";
import { pad4 } from "../layout.ts";
import { type Arguments, type Fields, wasmKernel } from "../module.ts";
import { addChunks } from "./addOuterSums.ts";
import { gatherWindow } from "./gatherWindow.ts";
import { type WindowSizes, windowArgs, windowFields } from "./window.ts";

/** Rows of a block. */
const BLOCK = 64;
/** Bytes between panels and strips in packed blocks; the odd line keeps neighbours out of each other's cache sets. */
const PANEL_BYTES = BLOCK * 32 + 64;
const STRIP_BYTES = BLOCK * 16 + 64;
/** Strips in a slab: 64 columns of A. */
const SLAB = 16;
/** Units that are enough for any number of threads. */
const UNITS = 16;
/** Reads of a block's element that cost no more than packing it. */
const FEW_READS = 6;

/** One sum of outer products. */
export interface OuterSums {
  readonly a: Pointer;
  readonly lda: number;
  readonly b: Pointer;
  /** Floats between rows of B, or between its pixels. */
  readonly ldb: number;
  /** Rows of B are windows of images [image][y][x][channel], one run of n floats per tap. */
  readonly windows?: WindowSizes;
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
  threads: "i32",
  units: "i32",
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
  sumRow: "i32",
  sumStrip: "i32",
  sumPanel: "i32",
  sumPart: "i32",
  isPackedA: "i32",
  isPackedB: "i32",
} as const;

const gatherFields = { ...windowFields, run: "i32" } as const;

type Args = Arguments<typeof baseFields & typeof gatherFields>;

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

/** Where a block's strips and panels lie: packed, or in A and B themselves. Bytes from row to row, and from strip (panel) to strip. */
interface BlockPlace {
  readonly start: Local<"i32">;
  readonly row: Local<"i32">;
  readonly next: Local<"i32">;
}

/** The 4 × 8 sums, whose rows `sums` point at, grow by `count` rows of a strip and a panel; a chunk's first block starts from zero. */
function extendTile(
  k: Code,
  a: Local<"i32">,
  b: Local<"i32">,
  places: { a: BlockPlace; b: BlockPlace },
  sums: readonly Local<"i32">[],
  count: Local<"i32">,
  isFirst: Local<"i32">,
): void {
  const c = Array.from({ length: 8 }, () => k.variable("v128"));
  k.if(
    isFirst,
    () => {
      for (const sum of c) sum.set(f32x4.const(0));
    },
    () => {
      for (const [i, sum] of c.entries()) sum.set(v128.load(sums[i >> 1], (i & 1) * 16));
    },
  );
  const strip = k.local(a);
  const panel = k.local(b);
  k.for({ to: count }, () => {
    const low = k.local(v128.load(panel));
    const high = k.local(v128.load(panel, 16));
    panel.add(places.b.row);
    for (let i = 0; i < 4; i++) {
      const x = k.local(f32x4.loadSplat(strip, i * 4));
      c[2 * i].set(k.madd(x, low, c[2 * i]));
      c[2 * i + 1].set(k.madd(x, high, c[2 * i + 1]));
    }
    strip.add(places.a.row);
  });
  for (const [i, sum] of c.entries()) k.store(sums[i >> 1], sum, (i & 1) * 16);
}

/** What a block needs to be packed: where A's and B's columns of the unit begin, and the places of the packed forms. */
interface Packing {
  readonly args: Args;
  readonly isWindowed: boolean;
  readonly aStart: Local<"i32">;
  readonly bStart: Local<"i32">;
  readonly strips: Local<"i32">;
  readonly packedA: Local<"i32">;
  readonly packedB: Local<"i32">;
  /** Room for one window. */
  readonly buffer: Local<"i32">;
}

/** Sets where the block's strips and panels begin, and packs those that are to be packed. */
function placeBlock(k: Code, packing: Packing, places: { a: BlockPlace; b: BlockPlace }, block: Local<"i32">, count: Local<"i32">): void {
  const { args, isWindowed, aStart, bStart, strips, packedA, packedB, buffer } = packing;
  places.a.start.set(aStart.plus(block.times(args.lda)));
  places.b.start.set(bStart.plus(block.times(args.ldb)));
  k.if(args.isPackedA, () => {
    const from = k.local(places.a.start);
    k.for({ to: count }, (row) => {
      packRow(k, from, packedA.plus(row.times(16)), strips, 1, STRIP_BYTES);
      from.add(args.lda);
    });
    places.a.start.set(packedA);
  });
  k.if(args.isPackedB, () => {
    const from = k.local(places.b.start);
    k.for({ to: count }, (row) => {
      if (isWindowed) gatherWindow(k, args, k.local(block.plus(row)), args.ldb, bStart, buffer);
      packRow(k, isWindowed ? buffer : from, packedB.plus(row.times(32)), args.panels, 2, PANEL_BYTES);
      from.add(args.ldb);
    });
    places.b.start.set(packedB);
  });
}

/** All tiles of a slab grow by one block. */
function extendSlab(
  k: Code,
  args: Args,
  places: { a: BlockPlace; b: BlockPlace },
  own: Local<"i32">,
  strips: Local<"i32">,
  count: Local<"i32">,
  isFirst: Local<"i32">,
): void {
  const b = k.local(places.b.start);
  const row = k.local(own);
  k.for({ to: args.panels }, () => {
    const sums = [k.local(row)];
    while (sums.length < 4) sums.push(k.local(sums[sums.length - 1].plus(args.sumRow)));
    const a = k.local(places.a.start);
    k.for({ to: strips }, () => {
      extendTile(k, a, b, places, sums, count, isFirst);
      a.add(places.a.next);
      for (const sum of sums) sum.add(args.sumStrip);
    });
    b.add(places.b.next);
    row.add(args.sumPanel);
  });
}

function emitOuterSums(isWindowed: boolean, args: Args, k: Code): void {
  // Threads must not share packed blocks: the first unit of a share tells whose it is.
  const thread = i32.divU(args.begin.times(args.threads).plus(args.units.minus(1)), args.units);
  const packedB = k.local(args.scratch.plus(thread.times(args.scratchBytes)));
  const packedA = k.local(packedB.plus(args.panels.times(PANEL_BYTES)));
  const buffer = k.local(packedA.plus(SLAB * STRIP_BYTES));
  const place = (isPacked: Expr<"i32">, row: number, next: number, lead: Expr<"i32">, width: number): BlockPlace => ({
    start: k.variable("i32"),
    row: k.local(i32.select(isPacked, row, lead)),
    next: k.local(i32.select(isPacked, next, width)),
  });
  const places = { a: place(args.isPackedA, 16, STRIP_BYTES, args.lda, 16), b: place(args.isPackedB, 32, PANEL_BYTES, args.ldb, 32) };
  k.for({ from: args.begin, to: args.end }, (unit) => {
    const part = k.local(i32.divU(unit, args.slabs));
    const firstStrip = k.local(unit.minus(part.times(args.slabs)).times(SLAB));
    const strips = k.local(i32.min(args.strips.minus(firstStrip), SLAB));
    const group = k.local(i32.divU(part, args.chunks));
    const first = k.local(part.minus(group.times(args.chunks)).times(args.chunkRows));
    const last = k.local(i32.min(first.plus(args.chunkRows), args.rows));
    const own = k.local(args.partial.plus(part.times(args.sumPart)).plus(firstStrip.times(args.sumStrip)));
    const aStart = k.local(args.a.plus(group.times(args.aGroup)).plus(firstStrip.times(16)));
    const bStart = k.local(args.b.plus(group.times(args.bGroup)));
    const packing = { args, isWindowed, aStart, bStart, strips, packedA, packedB, buffer };
    k.for({ from: first, to: last, step: BLOCK }, (block) => {
      const count = k.local(i32.min(last.minus(block), BLOCK));
      placeBlock(k, packing, places, block, count);
      extendSlab(k, args, places, own, strips, count, k.local(i32.eq(block, first)));
    });
  });
}

const pointSums = wasmKernel("outer sums of rows", baseFields, (args, k) => emitOuterSums(false, args as unknown as Args, k));
const windowSums = wasmKernel("outer sums of windows", { ...baseFields, ...gatherFields }, (args, k) => emitOuterSums(true, args, k));

/** True where packing pays: every element is read often, or rows lie so far apart that a block's rows share few cache sets. */
function isPacked(reads: number, lead: number): 0 | 1 {
  return reads > FEW_READS || (lead * 4) % 1024 === 0 ? 1 : 0;
}

/** How the work is cut: slabs of A's columns, and as many chunks of rows as make enough units. */
function cut(rows: number, groups: number, strips: number): { slabs: number; chunkRows: number; chunks: number } {
  const slabs = Math.ceil(strips / SLAB);
  const blocks = Math.ceil(rows / BLOCK);
  const wanted = Math.min(blocks, Math.ceil(UNITS / (groups * slabs)));
  const chunkRows = Math.ceil(blocks / wanted) * BLOCK;
  return { slabs, chunkRows, chunks: Math.ceil(rows / chunkRows) };
}

/** Where sums lie, in bytes: from row to row of a tile, strip to strip, panel to panel, and chunk (or group) to chunk. */
type SumPlace = Readonly<Record<"sumRow" | "sumStrip" | "sumPanel" | "sumPart", number>>;

/** Tile by tile. */
function tiled(panels: number, strips: number): SumPlace {
  return { sumRow: 32, sumStrip: 128, sumPanel: strips * 128, sumPart: panels * strips * 128 };
}

/** In C itself, whose rows have `width` elements. */
function placed(m: number, width: number): SumPlace {
  return { sumRow: width * 4, sumStrip: width * 16, sumPanel: 32, sumPart: m * width * 4 };
}

/** The steps of one sum of outer products. */
export function outerSumSteps(sums: OuterSums, context: LowerContext): readonly Step[] {
  const { a, b, c, rows, groups, m, windows } = sums;
  const n = windows ? sums.n * windows.kernel[0] * windows.kernel[1] : sums.n;
  const [strips, panels] = [Math.ceil(m / 4), Math.ceil(n / 8)];
  const { slabs, chunkRows, chunks } = cut(rows, groups, strips);
  const units = groups * chunks * slabs;
  const isInPlace = chunks === 1 && m % 4 === 0 && n % 8 === 0;
  const partial = isInPlace ? c : context.scratch(groups * chunks * panels * strips * 32);
  const lineFloats = windows ? pad4(panels * 8 + 4) : 0;
  const scratchBytes = panels * PANEL_BYTES + SLAB * STRIP_BYTES + lineFloats * 4;
  const args = {
    ...{ a, b, partial, scratch: context.scratch((context.threads * scratchBytes) / 4), scratchBytes },
    ...{ threads: context.threads, units },
    ...{ rows, chunkRows, chunks, slabs, strips, panels },
    ...{ lda: sums.lda * 4, ldb: sums.ldb * 4, aGroup: m * 4, bGroup: sums.n * 4 },
    ...(isInPlace ? placed(m, n) : tiled(panels, strips)),
    isPackedA: isPacked(panels, sums.lda),
    isPackedB: windows ? 1 : isPacked(Math.min(strips, SLAB), sums.ldb),
  };
  const first = windows
    ? step<Fields>(windowSums, units, { ...args, ...windowArgs(windows), run: sums.n * 4 })
    : step(pointSums, units, args);
  return isInPlace ? [first] : [first, step(addChunks, groups * m, { c, partial, chunks, strips, panels, m, n })];
}
