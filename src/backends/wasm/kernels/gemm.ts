/**
 * C = A · B (+ bias, then the node's epilogue), the product under every convolution that is not depthwise and under batches of features; with
 * another tap (taps.ts), the same walk over another similarity.
 *
 * B is packed in panels of 8 outputs, [N/8][K][8], filled up with zeros (pack.ts). A row of A is a run of K floats, or several runs:
 * where A is an image in NHWC, the window of an output pixel is one contiguous run per kernel row, so no window is ever copied out.
 * A tile is R or R + 1 rows by one panel, its sums in registers; the rows are spread evenly over the tiles, so that no tile is a thin rest.
 * A unit is a block of tiles by a block of panels: few tiles reuse their rows over all panels, or, where B exceeds the cache, one panel
 * its weights over all tiles.
 */
import type { Epilogue } from "../epilogue.ts";
import { type Pointer, type Step, step } from "../kernel.ts";
import { pad4 } from "../layout.ts";
import { gemmKernel } from "./gemmKernel.ts";
import type { batchFields, Kind, windowFields } from "./gemmKind.ts";
import { groupKind } from "./groupKind.ts";
import { type Groups, groupArgs, PANEL, panelCount } from "./groups.ts";
import type { PanelResult } from "./panelResult.ts";
import type { Tap } from "./taps.ts";

/** B larger than this (bytes) does not stay in a second-level cache beside A. */
const CACHED_BYTES = 256 * 1024;

/** Multiply–adds that are worth a unit of their own: about 10 µs. */
const UNIT_WORK = 200_000;

/** Rows of A that are windows of an image: output pixel (image, y, x) begins at image · imageStep + y · rowStep + x · lda. All in floats. */
export interface Windows {
  readonly outWidth: number;
  readonly outHeight: number;
  readonly rowStep: number;
  readonly imageStep: number;
  /** Runs of a window: `rows` times `columns`, their starts `rowRun` and `columnRun` floats apart. */
  readonly rows: number;
  readonly columns: number;
  readonly rowRun: number;
  readonly columnRun: number;
}

/** One product. Sizes and strides in floats, or in words of 4 bytes; those of `groups` in channels. */
export interface Gemm {
  readonly tap: Tap;
  /** A: `rows` rows, `lda` apart, of `k` floats (or of windows with runs of `k` floats). Lanes that B fills with zeros must be finite. */
  readonly a: Pointer;
  readonly rows: number;
  readonly lda: number;
  readonly k: number;
  readonly windows?: Windows;
  /** Runs are pixels of 4 lanes of which only the first so many (1 to 3) are read; `k` still counts all lanes. */
  readonly thinLanes?: number;
  readonly groups?: Groups;
  /** For each channel of `groups` the byte of a pixel at which it lies; default: one behind the other. */
  readonly places?: Pointer;
  /** B: `packedFloats(n, k · runs)` floats, see pack.ts. */
  readonly packed: Pointer;
  /** Masks that lie as `packed` does: 0 where it was filled up, for taps that zeros do not silence. */
  readonly masks?: Pointer;
  /** The tap's third operand, laid out as y. */
  readonly own?: Pointer;
  /** Outputs; y is written in whole vectors, pad4(n) floats a row. */
  readonly n: number;
  readonly bias?: Pointer;
  readonly y: Pointer;
  readonly ldy: number;
  /** Adds to y instead of replacing it. */
  readonly isAdded?: boolean;
  readonly batch?: Batch;
  readonly epilogue?: Epilogue;
  /** What becomes of the sums, instead of `bias`, `isAdded` and `epilogue`. */
  readonly result?: PanelResult;
}

/** So many products of the same sizes, their operands the given numbers of floats apart. */
export interface Batch {
  readonly count: number;
  readonly aStep: number;
  readonly packedStep: number;
  readonly yStep: number;
}

/** Floats of packed weights for n outputs of k products each. */
export function packedFloats(n: number, k: number): number {
  return Math.ceil(n / PANEL) * PANEL * k;
}

/** How the work is cut: independent of the number of threads; `isWhole` where every unit takes all panels. */
function blocking(
  rows: number,
  panels: number,
  panelFloats: number,
  tiles: number,
  isWhole: boolean,
): { tilesPerUnit: number; panelsPerUnit: number } {
  const isStreamed = !isWhole && panels * panelFloats * 4 > CACHED_BYTES && rows <= 200;
  if (isStreamed) {
    const panelsPerUnit = Math.max(1, Math.min(Math.floor(UNIT_WORK / (rows * panelFloats)), Math.ceil(panels / 16)));
    return { tilesPerUnit: tiles, panelsPerUnit };
  }
  const tileWork = (rows / tiles) * panels * panelFloats;
  const tilesPerUnit = Math.max(1, Math.min(Math.round(UNIT_WORK / tileWork), Math.ceil(tiles / 8)));
  return { tilesPerUnit, panelsPerUnit: panels };
}

/** The steps of one product. */
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one straight list of the arguments of one kernel
export function gemmSteps(gemm: Gemm): readonly Step[] {
  const { tap, rows, k, n, windows, groups, places, batch, masks, own, bias, epilogue } = gemm;
  const tiles = Math.ceil(rows / tap.mostRows);
  const low = Math.floor(rows / tiles);
  const tall = low === tap.mostRows ? 0 : rows - tiles * low;
  const kind: Kind = {
    tap,
    isMasked: masks !== undefined,
    rows: low,
    thinLanes: gemm.thinLanes ?? 0,
    isWindowed: windows !== undefined,
    groups: groups && groupKind(groups),
    isPlaced: places !== undefined,
    isBatched: batch !== undefined,
    hasBias: bias !== undefined,
    isAdded: gemm.isAdded === true,
    epilogue,
    result: gemm.result,
  };
  const panels = panelCount(n, groups);
  const runs = windows ? windows.rows * windows.columns : 1;
  const products = (k * runs * (gemm.thinLanes ?? 4)) / 4;
  const { tilesPerUnit, panelsPerUnit } = blocking(rows, panels, products * PANEL, tiles, typeof kind.groups === "object");
  const rowBlocks = Math.ceil(tiles / tilesPerUnit);
  const units = rowBlocks * Math.ceil(panels / panelsPerUnit);
  const args = {
    a: gemm.a,
    packed: gemm.packed,
    y: gemm.y,
    lda: gemm.lda * 4,
    ldy: gemm.ldy * 4,
    run: k * 4,
    width: pad4(n) * 4,
    tall,
    tiles,
    tilesPerUnit,
    rowBlocks,
    panels,
    panelBytes: products * PANEL * 4,
    panelsPerUnit,
    ...(windows ? windowArgs(windows) : {}),
    ...(groups ? groupArgs(groups, k) : {}),
    ...(batch ? batchArgs(batch, units) : {}),
    ...(masks ? { masks } : {}),
    ...(places ? { places } : {}),
    ...(own ? { own } : {}),
    ...(bias ? { bias } : {}),
    ...epilogue?.args,
    ...gemm.result?.args,
  };
  return [step(gemmKernel(kind), units * (batch?.count ?? 1), args)];
}

function batchArgs({ aStep, packedStep, yStep }: Batch, units: number): Record<keyof typeof batchFields, number> {
  return { unitsEach: units, aStep: aStep * 4, packedStep: packedStep * 4, yStep: yStep * 4 };
}

function windowArgs(windows: Windows): Record<keyof typeof windowFields, number> {
  return {
    outWidth: windows.outWidth,
    outHeight: windows.outHeight,
    rowStep: windows.rowStep * 4,
    imageStep: windows.imageStep * 4,
    windowRows: windows.rows,
    windowColumns: windows.columns,
    rowRun: windows.rowRun * 4,
    columnRun: windows.columnRun * 4,
  };
}
