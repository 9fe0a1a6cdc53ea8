/** The innermost loop of the matrix product (gemm.ts): what a run of each row adds to the sums of a tile. */
import { type Code, type Expr, f32x4, i32, type Local, v128 } from "../assembler.ts";
import type { TileContext } from "./gemmKind.ts";
import type { BlockCode, TapCode } from "./taps.ts";

/** Sums of a row: one for each part of a panel's two vectors. */
export function partsOf({ split }: TapCode): number {
  return 2 * (split?.(f32x4.const(0)).length ?? 1);
}

/** The sums of a tile, two vectors a row, and the third operand of each where the tap has one. */
export interface Sums {
  readonly sums: readonly Local<"v128">[];
  readonly owns: readonly Local<"v128">[];
}

/** Where each row's run begins, and the list of where its channels lie from there. */
interface Runs {
  readonly starts: readonly Expr<"i32">[];
  readonly places?: Local<"i32"> | undefined;
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

/** sums += the run of `args.run` bytes at each start (those that `places` lists there), times the weights at `b`, which ends behind them. */
export function multiplyRun(context: TileContext, { starts, places }: Runs, all: Sums, b: Local<"i32">): void {
  const { k, kind, args, tap } = context;
  const { sums, owns } = all;
  const from = tap.block && !places && multiplyBlocks(context, tap.block, starts, all, b);
  const lanes = kind.thinLanes || 1;
  const masksAfter = kind.isMasked ? k.local(args.masks.minus(args.packed)) : undefined;
  k.for({ ...(from ? { from } : {}), to: args.run, step: kind.thinLanes ? 16 : 4 }, (position) => {
    const at = places ? k.local(i32.load(places.plus(position))) : position;
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
