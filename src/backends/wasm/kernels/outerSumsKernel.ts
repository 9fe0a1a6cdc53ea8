/** The kernel of outerSums.ts: extends tiles of sums by the rows of a block. */
import { type Code, type Expr, f32x4, i32, type Local, v128 } from "../assembler.ts";
import { type Fields, wasmKernel } from "../module.ts";
import {
  type Args,
  BLOCK,
  type BlockPlace,
  baseFields,
  eachPanel,
  eachRow,
  ownFields,
  PANEL_BYTES,
  placeBlock,
  type RowKind,
  rowFields,
  SLAB,
  STRIP_BYTES,
} from "./outerSumsBlocks.ts";
import type { Tap, TapCode } from "./taps.ts";

/** The 4 × 8 sums, whose rows `sums` point at, grow by `count` rows of a strip and a panel; a chunk's first block starts from zero. */
function extendTile(
  k: Code,
  tap: TapCode,
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
  eachRow(k, places.b, b, count, (panel) => {
    const low = k.local(v128.load(panel));
    const high = k.local(v128.load(panel, 16));
    for (let i = 0; i < 4; i++) {
      const x = k.local(f32x4.loadSplat(strip, i * 4));
      c[2 * i].set(tap.add(c[2 * i], x, low, undefined, undefined));
      c[2 * i + 1].set(tap.add(c[2 * i + 1], x, high, undefined, undefined));
    }
    strip.add(places.a.row);
  });
  for (const [i, sum] of c.entries()) k.store(sums[i >> 1], sum, (i & 1) * 16);
}

/** The same with a third operand, a tile of it at `own`: two rows of the tile at a time, their sums finished after every block. */
function extendOwnTile(
  k: Code,
  tap: TapCode,
  a: Local<"i32">,
  b: Local<"i32">,
  places: { a: BlockPlace; b: BlockPlace },
  sums: readonly Local<"i32">[],
  count: Local<"i32">,
  isFirst: Local<"i32">,
  own: Local<"i32">,
): void {
  for (const half of [0, 2]) {
    const owns = Array.from({ length: 4 }, (_, i) => k.local(tap.own(v128.load(own, half * 32 + i * 16))));
    const c = owns.map(() => k.local(f32x4.const(0)));
    const strip = k.local(a);
    eachRow(k, places.b, b, count, (panel) => {
      const columns = [k.local(v128.load(panel)), k.local(v128.load(panel, 16))];
      for (const row of [0, 1]) {
        const x = k.local(f32x4.loadSplat(strip, (half + row) * 4));
        for (const [side, y] of columns.entries()) c[2 * row + side].set(tap.add(c[2 * row + side], x, y, owns[2 * row + side], undefined));
      }
      strip.add(places.a.row);
    });
    for (const [i, sum] of c.entries()) {
      const [at, offset] = [sums[half + (i >> 1)], (i & 1) * 16];
      const finished = k.local(tap.finish(sum, owns[i]));
      k.if(i32.eqz(isFirst), () => finished.set(f32x4.add(finished, v128.load(at, offset))));
      k.store(at, finished, offset);
    }
  }
}

/** All tiles of a slab grow by one block; `third` is the slab's first tile of the third operand. */
function extendSlab(
  k: Code,
  args: Args,
  tap: TapCode,
  third: Local<"i32"> | undefined,
  places: { a: BlockPlace; b: BlockPlace },
  own: Local<"i32">,
  strips: Local<"i32">,
  count: Local<"i32">,
  isFirst: Local<"i32">,
): void {
  const row = k.local(own);
  const line = third && k.local(third);
  eachPanel(k, args, places.b, (b) => {
    const sums = [k.local(row)];
    while (sums.length < 4) sums.push(k.local(sums[sums.length - 1].plus(args.sumRow)));
    const a = k.local(places.a.start);
    const tile = line && k.local(line);
    k.for({ to: strips }, () => {
      if (tile) extendOwnTile(k, tap, a, b, places, sums, count, isFirst, tile);
      else extendTile(k, tap, a, b, places, sums, count, isFirst);
      tile?.add(args.sumStrip);
      a.add(places.a.next);
      for (const sum of sums) sum.add(args.sumStrip);
    });
    row.add(args.sumPanel);
    line?.add(args.sumPanel);
  });
}

function emitOuterSums(kind: Tap, rows: RowKind, args: Args, k: Code): void {
  const tap = kind.begin(k);
  // Threads must not share packed blocks: the first unit of a share tells whose it is.
  const share = i32.divU(args.begin.times(args.threads).plus(args.units.minus(1)), args.units);
  // One thread may come for its units in several calls.
  const thread = i32.min(k.local(share), args.threads.minus(1));
  const packedA = k.local(args.scratch.plus(thread.times(args.scratchBytes)));
  const packedB = k.local(packedA.plus(SLAB * STRIP_BYTES));
  const buffer = k.local(packedB.plus(args.panels.times(PANEL_BYTES)));
  const place = (isPacked: Expr<"i32">, row: number, next: number, lead: Expr<"i32">, width: number): BlockPlace => ({
    start: k.variable("i32"),
    row: k.local(i32.select(isPacked, row, lead)),
    next: k.local(i32.select(isPacked, next, width)),
  });
  const b = place(args.isPackedB, 32, PANEL_BYTES, args.ldb, 32);
  const lines = rows === "lines" ? { first: k.variable("i32"), last: k.variable("i32") } : undefined;
  const places = { a: place(args.isPackedA, 16, STRIP_BYTES, args.lda, 16), b: { ...b, lines } };
  k.for({ from: args.begin, to: args.end }, (unit) => {
    const part = k.local(i32.divU(unit, args.slabs));
    const firstStrip = k.local(unit.minus(part.times(args.slabs)).times(SLAB));
    const strips = k.local(i32.min(args.strips.minus(firstStrip), SLAB));
    const group = k.local(i32.divU(part, args.chunks));
    const first = k.local(part.minus(group.times(args.chunks)).times(args.chunkRows));
    const last = k.local(i32.min(first.plus(args.chunkRows), args.rows));
    const own = k.local(args.partial.plus(part.times(args.sumPart)).plus(firstStrip.times(args.sumStrip)));
    const third = kind.hasOwn
      ? k.local(args.own.plus(group.times(args.panels).times(args.sumPanel)).plus(firstStrip.times(args.sumStrip)))
      : undefined;
    const aStart = k.local(args.a.plus(group.times(args.aGroup)).plus(firstStrip.times(16)));
    const bStart = k.local(args.b.plus(group.times(args.bGroup)));
    const packing = { args, rows, aStart, bStart, strips, packedA, packedB, buffer };
    k.for({ from: first, to: last, step: BLOCK }, (block) => {
      const count = k.local(i32.min(last.minus(block), BLOCK));
      placeBlock(k, packing, places, block, count);
      extendSlab(k, args, tap, third, places, own, strips, count, k.local(i32.eq(block, first)));
    });
  });
}

/** The kernel of a tap over rows of a kind. */
export function outerSums(tap: Tap, rows: RowKind): ReturnType<typeof wasmKernel<Fields>> {
  const fields: Fields = { ...baseFields, ...rowFields[rows], ...(tap.hasOwn ? ownFields : {}) };
  return wasmKernel<Fields>(`outer${tap.key} sums of ${rows}`, fields, (args, k) => emitOuterSums(tap, rows, args as unknown as Args, k));
}
