/** The blocks of outerSums.ts: what a block's rows of A and B are, packed or where they lie, and how a tile walks them. */
import { type Code, type Expr, i32, type Local, v128 } from "../assembler.ts";
import type { Arguments, Fields } from "../module.ts";
import { gatherWindow } from "./gatherWindow.ts";
import { windowFields } from "./window.ts";

/** Rows of a block. */
export const BLOCK = 64;
/** Bytes between panels and strips in packed blocks; the odd line keeps neighbours out of each other's cache sets. */
export const PANEL_BYTES = BLOCK * 32 + 64;
export const STRIP_BYTES = BLOCK * 16 + 64;
/** Bytes of a line in the table of a block's lines. */
export const LINE_BYTES = 8;
/** Strips in a slab: 64 columns of A. */
export const SLAB = 16;

export const baseFields = {
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
/**
 * Where windows lie in B's panels (imagePanels.ts), in bytes: from tap to tap below, from output line to line, image to image, and panel to panel of
 * a tap, of which a group has `channelPanels`. From output to output of a line it is `ldb`.
 */
const lineFields = {
  outWidth: "i32",
  outHeight: "i32",
  kernelHeight: "i32",
  kernelWidth: "i32",
  lineStep: "i32",
  strideLine: "i32",
  imageBytes: "i32",
  channelPanels: "i32",
  channelStep: "i32",
} as const;
export const ownFields = { own: "i32" } as const;

/** What a row of B is: as it lies, a window gathered through a buffer, or a window over image panels, read tap by tap where it lies. */
export type RowKind = "rows" | "windows" | "lines";

/** Fields of each kind of rows. */
export const rowFields = { rows: {}, windows: gatherFields, lines: lineFields } as const satisfies Record<RowKind, Fields>;

/** A kernel's arguments; those of other kinds of rows are not read. */
export type Args = Arguments<typeof baseFields & typeof gatherFields & typeof lineFields & typeof ownFields>;

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
export interface BlockPlace {
  readonly start: Local<"i32">;
  readonly row: Local<"i32">;
  readonly next: Local<"i32">;
  /** Where rows lie line by line: addresses of pairs, bytes from `start` to a line's first row and from there behind its last one. */
  readonly lines?: { readonly first: Local<"i32">; readonly last: Local<"i32"> };
}

/** Visits the rows of a panel that begins at `start`. */
export function eachRow(
  k: Code,
  { row, lines }: BlockPlace,
  start: Local<"i32">,
  count: Local<"i32">,
  visit: (panel: Local<"i32">) => void,
): void {
  if (!lines) {
    const panel = k.local(start);
    k.for({ to: count }, () => {
      visit(panel);
      panel.add(row);
    });
    return;
  }
  k.for({ from: lines.first, to: lines.last, step: LINE_BYTES }, (line) => {
    const panel = k.local(start.plus(i32.load(line)));
    k.for({ from: panel, to: k.local(start.plus(i32.load(line, 4))), step: row }, visit);
  });
}

/** What a block needs to be packed: where A's and B's columns of the unit begin, and the places of the packed forms (or of the table of lines). */
export interface Packing {
  readonly args: Args;
  readonly rows: RowKind;
  readonly aStart: Local<"i32">;
  readonly bStart: Local<"i32">;
  readonly strips: Local<"i32">;
  readonly packedA: Local<"i32">;
  readonly packedB: Local<"i32">;
  /** Room for one window. */
  readonly buffer: Local<"i32">;
}

/** Writes the table of a block's lines (`BlockPlace.lines`): where windows lie in a panel of the first image. */
function placeLines(k: Code, args: Args, { lines }: BlockPlace, table: Local<"i32">, block: Local<"i32">, count: Local<"i32">): void {
  if (!lines) return;
  const line = k.local(i32.divU(block, args.outWidth));
  const image = k.local(i32.divU(line, args.outHeight));
  const y = k.local(line.minus(image.times(args.outHeight)));
  const x = k.local(block.minus(line.times(args.outWidth)));
  const left = k.local(count);
  lines.first.set(table);
  lines.last.set(table);
  k.while(
    () => i32.gt(left, 0),
    () => {
      const pixels = k.local(i32.min(args.outWidth.minus(x), left));
      const first = k.local(image.times(args.imageBytes).plus(y.times(args.strideLine)).plus(x.times(args.ldb)));
      k.store(lines.last, first);
      k.store(lines.last, first.plus(pixels.times(args.ldb)), 4);
      lines.last.add(LINE_BYTES);
      left.set(left.minus(pixels));
      x.set(0);
      y.add(1);
      k.if(i32.eq(y, args.outHeight), () => {
        y.set(0);
        image.add(1);
      });
    },
  );
}

/** Visits where the panels of a block begin: one after the other, or tap by tap. */
export function eachPanel(k: Code, args: Args, { start, next, lines }: BlockPlace, visit: (panel: Local<"i32">) => void): void {
  if (!lines) {
    const panel = k.local(start);
    k.for({ to: args.panels }, () => {
      visit(panel);
      panel.add(next);
    });
    return;
  }
  k.for({ to: args.kernelHeight }, (row) => {
    k.for({ to: args.kernelWidth }, (column) => {
      const panel = k.local(start.plus(row.times(args.lineStep)).plus(column.times(32)));
      k.for({ to: args.channelPanels }, () => {
        visit(panel);
        panel.add(args.channelStep);
      });
    });
  });
}

/** Sets where the block's strips and panels begin, and packs those that are to be packed. */
export function placeBlock(
  k: Code,
  packing: Packing,
  places: { a: BlockPlace; b: BlockPlace },
  block: Local<"i32">,
  count: Local<"i32">,
): void {
  const { args, rows, aStart, bStart, strips, packedA, packedB, buffer } = packing;
  places.a.start.set(aStart.plus(block.times(args.lda)));
  if (rows === "lines") placeLines(k, args, places.b, packedB, block, count);
  places.b.start.set(rows === "lines" ? bStart : bStart.plus(block.times(args.ldb)));
  k.if(args.isPackedA, () => {
    const from = k.local(places.a.start);
    k.for({ to: count }, (row) => {
      packRow(k, from, packedA.plus(row.times(16)), strips, 1, STRIP_BYTES);
      from.add(args.lda);
    });
    places.a.start.set(packedA);
  });
  if (rows === "lines") return;
  k.if(args.isPackedB, () => {
    const from = k.local(places.b.start);
    k.for({ to: count }, (row) => {
      if (rows === "windows") gatherWindow(k, args, k.local(block.plus(row)), args.ldb, bStart, buffer);
      packRow(k, rows === "windows" ? buffer : from, packedB.plus(row.times(32)), args.panels, 2, PANEL_BYTES);
      from.add(args.ldb);
    });
    places.b.start.set(packedB);
  });
}
