/**
 * C = Aᵀ · B summed over rows (pixels), the product under every weight gradient that is not depthwise: A holds the outputs' gradients, B the
 * inputs or their windows.
 *
 * Rows are taken in blocks of BLOCK. Where it pays, a block of B is packed in panels [n/8][row][8] and one of A in strips [m/4][row][4], so that the
 * innermost loop reads two contiguous streams however the rows lie in memory; windows whose runs fill panels read a copy of the images in panels,
 * tap by tap, and are never written out; a tile of 4 × 8 sums is then loaded, extended by the block's
 * rows in registers and stored. A unit owns a slab of A's columns for a chunk of the rows (and one group); chunks are cut by shape alone.
 * With another tap (taps.ts) the same walk sums another product; a third operand lies in tiles as partial sums do, and as its registers are
 * wanted, too, a tile is then extended two rows at a time.
 * Partial sums lie as [group][chunk][panel][strip][4][8] and a second step adds the chunks in order; a single chunk of whole tiles sums into C.
 */
import { type LowerContext, type Pointer, type Step, step } from "../kernel.ts";
import { pad4 } from "../layout.ts";
import type { Fields } from "../module.ts";
import { addChunks } from "./addOuterSums.ts";
import { imagePanelSteps } from "./imagePanels.ts";
import { BLOCK, LINE_BYTES, PANEL_BYTES, type RowKind, SLAB, STRIP_BYTES } from "./outerSumsBlocks.ts";
import { outerSums } from "./outerSumsKernel.ts";
import { tileSteps } from "./ownTiles.ts";
import type { Tap } from "./taps.ts";
import { type Pair, type WindowSizes, windowArgs } from "./window.ts";

/** Units that are enough for any number of threads. */
const UNITS = 16;
/** Reads of a block's element that cost no more than packing it. */
const FEW_READS = 6;
/** Pixels of a line from which its start costs little, and columns of A beside which gathering a window costs little. */
const LONG_LINE = 4;
const MANY_COLUMNS = 32;

/** One sum of outer products. */
export interface OuterSums {
  readonly tap: Tap;
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
  /** The tap's third operand, as dense as C. */
  readonly own?: Pointer;
}

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

/** How a kernel reads B: the kind of its rows, its arguments, bytes of scratch a thread, and the steps that must come before. */
interface Columns {
  readonly kind: RowKind;
  readonly args: Readonly<Record<"b" | "ldb" | "bGroup" | "isPackedB", number | Pointer>> & Readonly<Record<string, number | Pointer>>;
  readonly scratchBytes: number;
  readonly steps: readonly Step[];
}

/** True where windows are read tap by tap: their runs fill panels, gathering would write pixels more than once, and lines are worth their starts. */
function isLined({ m, n }: OuterSums, { kernel, outSize }: WindowSizes): boolean {
  return n % 8 === 0 && kernel[0] * kernel[1] > 1 && (outSize[1] >= LONG_LINE || m < MANY_COLUMNS);
}

/** Windows of runs that fill panels lie in a copy of the images in panels, where every tap finds its rows. */
function linesOf({ b, ldb, n, rows }: OuterSums, { size, outSize, kernel, stride, before }: WindowSizes, context: LowerContext): Columns {
  const images = rows / (outSize[0] * outSize[1]);
  const paddedSize: Pair = [(outSize[0] - 1) * stride[0] + kernel[0], (outSize[1] - 1) * stride[1] + kernel[1]];
  const panels = imagePanelSteps({ x: b, images, lanes: ldb, size, before, paddedSize }, context);
  const line = paddedSize[1] * 32;
  const panelBytes = paddedSize[0] * line;
  const args = {
    ...{ b: panels.at, ldb: stride[1] * 32, bGroup: (n / 8) * panelBytes, isPackedB: 0 },
    ...{ outWidth: outSize[1], outHeight: outSize[0], kernelHeight: kernel[0], kernelWidth: kernel[1] },
    ...{ lineStep: line, strideLine: stride[0] * line, imageBytes: (ldb / 8) * panelBytes },
    ...{ channelPanels: n / 8, channelStep: panelBytes },
  };
  return { kind: "lines", args, scratchBytes: BLOCK * LINE_BYTES, steps: panels.steps };
}

/** B's `panels` panels, of which a slab of so many strips reads every element. */
function columnsOf(sums: OuterSums, panels: number, strips: number, context: LowerContext): Columns {
  const { b, ldb, n, windows } = sums;
  if (windows && isLined(sums, windows)) return linesOf(sums, windows, context);
  const place = { b, ldb: ldb * 4, bGroup: n * 4 };
  const scratchBytes = panels * PANEL_BYTES;
  if (!windows) return { kind: "rows", args: { ...place, isPackedB: isPacked(Math.min(strips, SLAB), ldb) }, scratchBytes, steps: [] };
  const args = { ...place, isPackedB: 1, ...windowArgs(windows), run: n * 4 };
  return { kind: "windows", args, scratchBytes: scratchBytes + pad4(panels * 8 + 4) * 4, steps: [] };
}

/** The steps of one sum of outer products. */
export function outerSumSteps(sums: OuterSums, context: LowerContext): readonly Step[] {
  const { tap, a, c, own, rows, groups, m, windows } = sums;
  const n = windows ? sums.n * windows.kernel[0] * windows.kernel[1] : sums.n;
  const [strips, panels] = [Math.ceil(m / 4), Math.ceil(n / 8)];
  const { slabs, chunkRows, chunks } = cut(rows, groups, strips);
  const units = groups * chunks * slabs;
  const isInPlace = !own && chunks === 1 && m % 4 === 0 && n % 8 === 0;
  const partial = isInPlace ? c : context.scratch(groups * chunks * panels * strips * 32);
  const columns = columnsOf(sums, panels, strips, context);
  const scratchBytes = SLAB * STRIP_BYTES + columns.scratchBytes;
  const tiles = own && tileSteps({ own, groups, m, n, strips, panels }, context);
  const args = {
    ...{ a, partial, scratch: context.scratch((context.threads * scratchBytes) / 4), scratchBytes },
    ...{ threads: context.threads, units },
    ...{ rows, chunkRows, chunks, slabs, strips, panels },
    ...{ lda: sums.lda * 4, aGroup: m * 4, isPackedA: isPacked(panels, sums.lda) },
    ...(isInPlace ? placed(m, n) : tiled(panels, strips)),
    ...columns.args,
    ...(tiles ? { own: tiles.at } : {}),
  };
  const first = step<Fields>(outerSums(tap, columns.kind), units, args);
  const whole = [...columns.steps, ...(tiles?.steps ?? []), first];
  return isInPlace ? whole : [...whole, step(addChunks, groups * m, { c, partial, chunks, strips, panels, m, n })];
}
