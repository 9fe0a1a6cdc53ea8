/** The code of the matrix product; gemm.ts tells the idea and the data layout. */
import { type Code, type Expr, f32x4, i32, type Local, type V128, v128 } from "../assembler.ts";
import { type Arguments, type Fields, wasmKernel } from "../module.ts";
import { type All, fieldsOf, type Kind, keyOf, type TileContext } from "./gemmKind.ts";
import { multiplyRun, partsOf, type Sums } from "./gemmRun.ts";
import { walkOf } from "./groupKind.ts";
import { multiplyNarrow, type NarrowGroups, type NarrowPanel } from "./narrowPanels.ts";

/** Bytes from A's start to the windows (or rows) that begin at row `first`. */
function rowStarts({ k, kind, args }: TileContext, first: Local<"i32">, count: number): Local<"i32">[] {
  if (!kind.isWindowed) {
    const starts = [k.local(args.a.plus(first.times(args.lda)))];
    while (starts.length < count) starts.push(k.local(starts[starts.length - 1].plus(args.lda)));
    return starts;
  }
  const line = k.local(i32.divU(first, args.outWidth));
  const x = k.local(first.minus(line.times(args.outWidth)));
  const image = k.local(i32.divU(line, args.outHeight));
  const y = k.local(line.minus(image.times(args.outHeight)));
  const lineStart = k.local(args.a.plus(image.times(args.imageStep)).plus(y.times(args.rowStep)));
  const lastLine = args.imageStep.minus(args.outHeight.minus(1).times(args.rowStep));
  const starts: Local<"i32">[] = [];
  for (let row = 0; row < count; row++) {
    starts.push(k.local(lineStart.plus(x.times(args.lda))));
    if (row + 1 === count) break;
    x.add(1);
    k.if(i32.ge(x, args.outWidth), () => {
      x.set(0);
      y.add(1);
      lineStart.set(lineStart.plus(i32.select(i32.ge(y, args.outHeight), lastLine, args.rowStep)));
      k.if(i32.ge(y, args.outHeight), () => y.set(0));
    });
  }
  return starts;
}

/** The sums of a panel grow by one run, or by the taps of a window; `narrow` is the panel's place among narrow groups. */
function multiplyWindow(
  context: TileContext,
  start: Expr<"i32">,
  starts: readonly Local<"i32">[],
  sums: Sums,
  b: Local<"i32">,
  narrow: NarrowPanel | undefined,
): void {
  const { k, kind, args, tap } = context;
  const places = kind.isPlaced ? k.local(args.places.plus(start)) : undefined;
  const multiply = (runs: readonly Local<"i32">[]): void => {
    if (narrow) multiplyNarrow(k, tap, { sizes: kind.groups as NarrowGroups, panel: narrow, ...sums }, runs, b);
    else multiplyRun(context, { starts: runs, places }, sums, b);
  };
  if (!kind.isWindowed) {
    const from = kind.groups && !places ? k.local(start) : undefined;
    multiply(from ? starts.map((start) => k.local(start.plus(from))) : starts);
    return;
  }
  const first = k.local(places ? i32.const(0) : start);
  k.for({ to: args.windowRows }, () => {
    const from = k.local(first);
    k.for({ to: args.windowColumns }, () => {
      const runs = starts.map((start) => k.local(start.plus(from)));
      multiply(runs);
      from.add(args.columnRun);
    });
    first.add(args.rowRun);
  });
}

/** Where the sums of a panel begin: at the bias, at y, or at zero. `column` is the panel's first output in bytes. */
function startSums({ k, kind, args }: TileContext, sums: readonly Local<"v128">[], column: Local<"i32">): void {
  if (!kind.hasBias) {
    for (const sum of sums) sum.set(f32x4.const(0));
    return;
  }
  const low = k.local(v128.load(args.bias.plus(column)));
  // The last panel may have only four outputs; its other half is never stored, any finite start will do.
  const high = k.local(v128.load(args.bias.plus(i32.min(column.plus(16), args.width.minus(16)))));
  for (const [i, sum] of sums.entries()) sum.set(i % 2 === 0 ? low : high);
}

/** Loads the third operands, which lie as y does; those of a panel's missing half are never stored, any will do. */
function loadOwns({ k, args, tap }: TileContext, owns: readonly Local<"v128">[], column: Local<"i32">, row: Local<"i32">): void {
  const at = k.local(args.own.plus(row.times(args.ldy)));
  const columns = [column, k.local(i32.min(column.plus(16), args.width.minus(16)))];
  for (const [i, own] of owns.entries()) {
    own.set(tap.own(v128.load(at.plus(columns[i % 2]))));
    if (i % 2 === 1 && i + 1 < owns.length) at.add(args.ldy);
  }
}

function storeSums({ k, kind, args, tap, finish }: TileContext, { sums, owns }: Sums, column: Local<"i32">, row: Local<"i32">): void {
  const half = (which: number): void => {
    const at = k.local(
      row
        .times(args.ldy)
        .plus(column)
        .plus(which * 16),
    );
    for (let i = which; i < sums.length; i += 2) {
      const own = tap.finish(sums[i], owns[i]);
      const sum = kind.isAdded ? f32x4.add(own, v128.load(args.y.plus(at))) : own;
      k.store(args.y.plus(at), finish(sum, at));
      if (i + 2 < sums.length) at.add(args.ldy);
    }
  };
  half(0);
  k.if(i32.lt(column.plus(16), args.width), () => half(1));
}

/** All panels of the unit for `count` rows from `row` on. */
function tile(context: TileContext, row: Local<"i32">, count: number): void {
  const { k, kind, args, firstPanel } = context;
  const starts = rowStarts(context, row, count);
  const sums = Array.from({ length: count * partsOf(context.tap) }, () => k.variable("v128"));
  const owns = kind.tap.hasOwn ? sums.map(() => k.variable("v128")) : [];
  const b = k.local(args.packed.plus(firstPanel.times(args.panelBytes)));
  const { column, start, each } = walkOf(k, kind.groups, args, context);
  each((narrow) => {
    startSums(context, sums, column);
    if (kind.tap.hasOwn) loadOwns(context, owns, column, row);
    multiplyWindow(context, start(), starts, { sums, owns }, b, narrow);
    if (context.store) context.store(sums, row, i32.shrU(column, 2));
    else storeSums(context, { sums, owns }, column, row);
  });
}

/** Moves the operands to those of the unit's product; the result is the unit's number within it. */
function walkBatch(k: Code, args: Arguments<All>): (unit: Local<"i32">) => Local<"i32"> {
  const [a, packed, y] = [args.a, args.packed, args.y].map((start) => k.local(start));
  return (unit) => {
    const index = k.local(i32.divU(unit, args.unitsEach));
    args.a.set(a.plus(index.times(args.aStep)));
    args.packed.set(packed.plus(index.times(args.packedStep)));
    args.y.set(y.plus(index.times(args.yStep)));
    return k.local(unit.minus(index.times(args.unitsEach)));
  };
}

function emitGemm(kind: Kind, args: Arguments<All>, k: Code): void {
  const finish = kind.epilogue?.begin(k, args as unknown as Arguments<Record<string, "i32">>) ?? ((x: V128) => x);
  const firstPanel = k.variable("i32");
  const lastPanel = k.variable("i32");
  const store = kind.result?.begin(k, args as unknown as Arguments<Fields>);
  const context = { k, kind, args, tap: kind.tap.begin(k), firstPanel, lastPanel, finish, store };
  const tiles = (row: Local<"i32">, count: number): void => {
    const most = Math.min(count, context.tap.rows ?? count);
    tile(context, row, most);
    row.add(most);
    if (most < count) tiles(row, count - most);
  };
  const within = kind.isBatched ? walkBatch(k, args) : (unit: Local<"i32">) => unit;
  k.for({ from: args.begin, to: args.end }, (index) => {
    const unit = within(index);
    const block = k.local(i32.divU(unit, args.rowBlocks));
    firstPanel.set(block.times(args.panelsPerUnit));
    lastPanel.set(i32.min(firstPanel.plus(args.panelsPerUnit), args.panels));
    const first = k.local(unit.minus(block.times(args.rowBlocks)).times(args.tilesPerUnit));
    const last = k.local(i32.min(first.plus(args.tilesPerUnit), args.tiles));
    const row = k.local(first.times(kind.rows).plus(i32.min(first, args.tall)));
    k.for({ from: first, to: last }, (number) => {
      k.if(
        i32.lt(number, args.tall),
        () => tiles(row, kind.rows + 1),
        () => tiles(row, kind.rows),
      );
    });
  });
}

/** The kernel of a kind. */
export function gemmKernel(kind: Kind): ReturnType<typeof wasmKernel<Fields>> {
  return wasmKernel<Fields>(keyOf(kind), fieldsOf(kind), (args, k) => emitGemm(kind, args as unknown as Arguments<All>, k));
}
