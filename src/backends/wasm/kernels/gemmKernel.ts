/** The code of the matrix product; gemm.ts tells the idea and the data layout. */
import { type Code, type Expr, f32x4, i32, type Local, type V128, v128 } from "../assembler.ts";
import type { Epilogue } from "../epilogue.ts";
import { type Arguments, type Fields, wasmKernel } from "../module.ts";
import { alignedFields, type PanelWalk, spannedFields, walkAligned, walkPanels, walkSpanned } from "./groups.ts";
import type { PanelResult } from "./panelResult.ts";
import type { BlockCode, Tap, TapCode } from "./taps.ts";

const baseFields = {
  a: "i32",
  packed: "i32",
  y: "i32",
  lda: "i32",
  ldy: "i32",
  run: "i32",
  width: "i32",
  tall: "i32",
  tiles: "i32",
  tilesPerUnit: "i32",
  rowBlocks: "i32",
  panels: "i32",
  panelBytes: "i32",
  panelsPerUnit: "i32",
} as const;
export const windowFields = {
  outWidth: "i32",
  outHeight: "i32",
  rowStep: "i32",
  imageStep: "i32",
  windowRows: "i32",
  windowColumns: "i32",
  rowRun: "i32",
  columnRun: "i32",
} as const;
export const batchFields = { unitsEach: "i32", aStep: "i32", packedStep: "i32", yStep: "i32" } as const;
const biasFields = { bias: "i32" } as const;
const maskFields = { masks: "i32" } as const;
const ownFields = { own: "i32" } as const;

type Special = typeof batchFields & typeof biasFields & typeof maskFields & typeof ownFields;
type All = typeof baseFields & typeof windowFields & typeof spannedFields & typeof alignedFields & Special;

/** What one kernel of this family does; two steps of the same kind share the kernel. */
export interface Kind {
  readonly tap: Tap;
  readonly isMasked: boolean;
  /** Rows of the lower tiles; the others have one more. */
  readonly rows: number;
  /** Channels of images that have fewer than 4: the padding lanes of their pixels are skipped. Otherwise 0. */
  readonly thinLanes: number;
  readonly isWindowed: boolean;
  /** How panels follow the groups of a grouped convolution. */
  readonly groups: "aligned" | "spanned" | undefined;
  readonly isBatched: boolean;
  readonly hasBias: boolean;
  readonly isAdded: boolean;
  readonly epilogue: Epilogue | undefined;
  readonly result: PanelResult | undefined;
}

/** What the code of a tile needs: the arguments, the panels to go through and the finished epilogue. */
interface TileContext {
  readonly k: Code;
  readonly kind: Kind;
  readonly args: Arguments<All>;
  readonly tap: TapCode;
  readonly firstPanel: Local<"i32">;
  readonly lastPanel: Local<"i32">;
  readonly finish: (x: V128, at: Expr<"i32">) => V128;
  readonly store: ReturnType<PanelResult["begin"]> | undefined;
}

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

/** Sums of a row: one for each part of a panel's two vectors. */
function partsOf({ split }: TapCode): number {
  return 2 * (split?.(f32x4.const(0)).length ?? 1);
}

/** The sums of a tile, two vectors a row, and the third operand of each where the tap has one. */
interface Sums {
  readonly sums: readonly Local<"v128">[];
  readonly owns: readonly Local<"v128">[];
}

/** A panel's two vectors as the tap takes them. */
function loadParts(k: Code, { split }: TapCode, at: Expr<"i32">, offset: number): readonly Local<"v128">[] {
  const halves = [0, 16].map((half) => k.local(v128.load(at, offset + half)));
  return split ? halves.flatMap((half) => split(half).map((part) => k.local(part))) : halves;
}

/** The whole blocks of a run; returns where they end. */
function multiplyBlocks(
  { k, args, tap }: TileContext,
  { words, add, close }: BlockCode,
  starts: readonly Expr<"i32">[],
  { sums }: Sums,
  b: Local<"i32">,
): Local<"i32"> {
  const end = k.local(i32.and(args.run, -4 * words));
  const shorts = sums.map(() => k.variable("v128"));
  k.for({ to: end, step: 4 * words }, (at) => {
    for (let word = 0; word < words; word++) {
      const weights = loadParts(k, tap, b, word * 32);
      for (const [row, start] of starts.entries()) {
        const x = k.local(f32x4.loadSplat(start.plus(at), word * 4));
        for (const [part, weight] of weights.entries()) {
          const short = shorts[weights.length * row + part];
          short.set(add(word === 0 ? undefined : short, x, weight));
        }
      }
    }
    for (const [i, sum] of sums.entries()) sum.set(close(sum, shorts[i]));
    b.add(words * 32);
  });
  return end;
}

/** sums += the run of `args.run` bytes at each start, times the weights at `b`, which ends behind them. */
function multiplyRun(context: TileContext, starts: readonly Expr<"i32">[], all: Sums, b: Local<"i32">): void {
  const { k, kind, args, tap } = context;
  const { sums, owns } = all;
  const from = tap.block && multiplyBlocks(context, tap.block, starts, all, b);
  const lanes = kind.thinLanes || 1;
  const masksAfter = kind.isMasked ? k.local(args.masks.minus(args.packed)) : undefined;
  k.for({ ...(from ? { from } : {}), to: args.run, step: kind.thinLanes ? 16 : 4 }, (at) => {
    for (let lane = 0; lane < lanes; lane++) {
      const weights = loadParts(k, tap, b, lane * 32);
      const masks = masksAfter && loadParts(k, tap, b.plus(masksAfter), lane * 32);
      for (const [row, start] of starts.entries()) {
        const loaded = f32x4.loadSplat(start.plus(at), lane * 4);
        const x = k.local(tap.spread?.(loaded) ?? loaded);
        for (const [part, weight] of weights.entries()) {
          const i = weights.length * row + part;
          sums[i].set(tap.add(sums[i], x, weight, owns[i], masks?.[part]));
        }
      }
    }
    b.add(lanes * 32);
  });
}

function walkOf({ k, kind, args, firstPanel }: TileContext): PanelWalk {
  if (kind.groups === "aligned") return walkAligned(k, args, firstPanel);
  return kind.groups === "spanned" ? walkSpanned(k, args, firstPanel) : walkPanels(k, firstPanel);
}

function multiplyWindow(context: TileContext, walk: PanelWalk, starts: readonly Local<"i32">[], sums: Sums, b: Local<"i32">): void {
  const { k, kind, args } = context;
  if (!kind.isWindowed) {
    const from = kind.groups ? k.local(walk.start()) : undefined;
    multiplyRun(context, from ? starts.map((start) => k.local(start.plus(from))) : starts, sums, b);
    return;
  }
  const first = k.local(walk.start());
  k.for({ to: args.windowRows }, () => {
    const from = k.local(first);
    k.for({ to: args.windowColumns }, () => {
      const runs = starts.map((start) => k.local(start.plus(from)));
      multiplyRun(context, runs, sums, b);
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
  const { k, kind, args, firstPanel, lastPanel } = context;
  const starts = rowStarts(context, row, count);
  const sums = Array.from({ length: count * partsOf(context.tap) }, () => k.variable("v128"));
  const owns = kind.tap.hasOwn ? sums.map(() => k.variable("v128")) : [];
  const b = k.local(args.packed.plus(firstPanel.times(args.panelBytes)));
  const walk = walkOf(context);
  const { column } = walk;
  k.for({ from: firstPanel, to: lastPanel }, () => {
    startSums(context, sums, column);
    if (kind.tap.hasOwn) loadOwns(context, owns, column, row);
    multiplyWindow(context, walk, starts, { sums, owns }, b);
    if (context.store) context.store(sums, row, i32.shrU(column, 2));
    else storeSums(context, { sums, owns }, column, row);
    walk.next();
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
  const marks = [
    kind.thinLanes > 0 && `thin${kind.thinLanes}`,
    kind.isWindowed && "windows",
    kind.groups && `${kind.groups} groups`,
    kind.isBatched && "batch",
    kind.isMasked && "masks",
    kind.hasBias && "bias",
    kind.isAdded && "added",
  ];
  const key = `gemm${kind.tap.key} ${[`rows${kind.rows}`, ...marks.filter(Boolean)].join(" ")}${kind.epilogue?.key ?? ""}${kind.result?.key ?? ""}`;
  const fields = {
    ...baseFields,
    ...(kind.isWindowed ? windowFields : {}),
    ...(kind.groups === "aligned" ? alignedFields : kind.groups === "spanned" ? spannedFields : {}),
    ...(kind.isBatched ? batchFields : {}),
    ...(kind.isMasked ? maskFields : {}),
    ...(kind.tap.hasOwn ? ownFields : {}),
    ...(kind.hasBias ? biasFields : {}),
    ...kind.epilogue?.fields,
    ...kind.result?.fields,
  };
  return wasmKernel<Fields>(key, fields, (args, k) => emitGemm(kind, args as unknown as Arguments<All>, k));
}
