/**
 * Sums over all pixels, one per channel: the shared part of normalisation and of bias gradients.
 *
 * A tensor is `count` rows (pixels) of channels padded to 4. Rows are cut into chunks by shape alone, so that sums do not depend on the
 * number of threads; a unit owns a chunk and walks it in blocks of about 16 KB, so that every 64-byte column of a block comes from the
 * first-level cache. Within a block, sums stay in registers. Partial sums lie as [chunk][sum][channel].
 */
import type { Value } from "../../../ir/graph.ts";
import { type Code, type Expr, f32x4, i32, type Local, type V128, v128 } from "../assembler.ts";
import { type LowerContext, type Pointer, type Step, step } from "../kernel.ts";
import { pad4 } from "../layout.ts";
import { wasmKernel } from "../module.ts";

const BLOCK_BYTES = 16 * 1024;
const FEWEST_ROWS = 8;
const MOST_CHUNKS = 32;

/** A tensor as rows of channels. */
export interface Rows {
  readonly count: number;
  /** Bytes of one row, a multiple of 16. */
  readonly rowBytes: number;
  readonly blockRows: number;
  readonly blocks: number;
  readonly chunkRows: number;
  readonly chunks: number;
}

/** The rows of an activation [n, c] or [n, c, h, w]. */
export function rowsOf({ shape: [n, c, h = 1, w = 1] }: Value): Rows {
  const count = n * h * w;
  const rowBytes = pad4(c) * 4;
  const blockRows = Math.min(count, Math.max(FEWEST_ROWS, Math.floor(BLOCK_BYTES / rowBytes)));
  const blocks = Math.ceil(count / blockRows);
  const chunkRows = Math.ceil(blocks / Math.min(blocks, MOST_CHUNKS)) * blockRows;
  return { count, rowBytes, blockRows, blocks, chunkRows, chunks: Math.ceil(count / chunkRows) };
}

/** What a reduction sums. `update` gives the new sums from one row's vectors, the channel vectors and the sums so far. */
export interface Reduction {
  readonly key: string;
  readonly inputs: readonly string[];
  readonly perChannel: readonly string[];
  readonly sums: number;
  update(k: Code, row: readonly V128[], channel: readonly V128[], sums: readonly V128[]): readonly V128[];
}

type Names = Readonly<Record<string, Local<"i32">>>;

/** Adds the rows [first, last) of `width` vectors from byte `lane` on to the sums at `own`. */
function sumColumns(
  k: Code,
  a: Names,
  reduction: Reduction,
  first: Expr<"i32">,
  last: Expr<"i32">,
  own: Expr<"i32">,
  lane: Local<"i32">,
  width: number,
): void {
  const vectors = Array.from({ length: width }, (_, i) => i * 16);
  const channel = vectors.map((offset) => reduction.perChannel.map((name) => k.local(v128.load(a[name].plus(lane), offset))));
  const sums = vectors.map(() => Array.from({ length: reduction.sums }, () => k.local(f32x4.const(0))));
  const at = reduction.inputs.map((name) => k.local(a[name].plus(first.times(a.rowBytes)).plus(lane)));
  k.for({ from: first, to: last }, () => {
    for (const [i, offset] of vectors.entries()) {
      const row = at.map((pointer) => k.local(v128.load(pointer, offset)));
      const next = reduction.update(k, row, channel[i], sums[i]);
      for (const [j, sum] of sums[i].entries()) sum.set(next[j]);
    }
    for (const pointer of at) pointer.add(a.rowBytes);
  });
  const to = k.local(own.plus(lane));
  for (let j = 0; j < reduction.sums; j++) {
    for (const [i, offset] of vectors.entries()) k.store(to, f32x4.add(v128.load(to, offset), sums[i][j]), offset);
    to.add(a.rowBytes);
  }
}

/** The step that fills `partial` with rows.chunks × sums × channels. */
export function reduceChannels(reduction: Reduction, rows: Rows, partial: Pointer, pointers: Readonly<Record<string, Pointer>>): Step {
  const names = Object.fromEntries([...reduction.inputs, ...reduction.perChannel].map((name) => [name, "i32"] as const));
  const fields = { partial: "i32", count: "i32", rowBytes: "i32", blockRows: "i32", chunkRows: "i32", ...names } as const;
  const kernel = wasmKernel(`sum over pixels: ${reduction.key}`, fields, (args, k) => {
    const a = args as unknown as Names;
    const bytes = k.local(a.rowBytes.times(reduction.sums));
    const wide = k.local(i32.and(a.rowBytes, -64));
    k.for({ from: args.begin, to: args.end }, (unit) => {
      const own = k.local(a.partial.plus(unit.times(bytes)));
      k.for({ to: bytes, step: 16 }, (lane) => k.store(own.plus(lane), f32x4.const(0)));
      const last = k.local(i32.min(unit.plus(1).times(a.chunkRows), a.count));
      k.for({ from: unit.times(a.chunkRows), to: last, step: a.blockRows }, (first) => {
        const end = k.local(i32.min(first.plus(a.blockRows), last));
        k.for({ to: wide, step: 64 }, (lane) => sumColumns(k, a, reduction, first, end, own, lane, 4));
        k.for({ from: wide, to: a.rowBytes, step: 16 }, (lane) => sumColumns(k, a, reduction, first, end, own, lane, 1));
      });
    });
  });
  const { count, rowBytes, blockRows, chunkRows } = rows;
  return step(kernel, rows.chunks, { partial, count, rowBytes, blockRows, chunkRows, ...pointers } as never);
}

/** Scratch memory for the partial sums of a reduction. */
export function partialSums(context: LowerContext, rows: Rows, sums: number): Pointer {
  return context.scratch((rows.chunks * sums * rows.rowBytes) / 4);
}

/** The total of sum `index` for the vector of channels at byte `lane`. */
export function totalOf(
  k: Code,
  a: { readonly partial: Local<"i32">; readonly chunks: Local<"i32">; readonly rowBytes: Local<"i32"> },
  { sums }: Reduction,
  index: number,
  lane: Expr<"i32">,
): Local<"v128"> {
  const at = k.local(a.partial.plus(lane).plus(a.rowBytes.times(index)));
  const total = k.local(f32x4.const(0));
  const stride = k.local(a.rowBytes.times(sums));
  k.for({ to: a.chunks }, () => {
    total.set(f32x4.add(total, v128.load(at)));
    at.add(stride);
  });
  return total;
}
