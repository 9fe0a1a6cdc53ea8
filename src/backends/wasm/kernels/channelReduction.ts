/**
 * Sums over all pixels, one per channel: the shared part of normalisation and of bias gradients.
 *
 * A tensor is `count` rows (pixels) of channels padded to 4. Rows are cut into chunks by shape alone, so that sums do not depend on the
 * number of threads; a unit owns a chunk and reads it from front to back, four rows at a time, for which it loads and stores each sum once.
 * Partial sums lie as [chunk][sum][channel] and stay in the first-level cache.
 */
import type { Value } from "../../../ir/graph.ts";
import { type Code, type Expr, f32x4, i32, type Local, type V128, v128 } from "../assembler.ts";
import { type LowerContext, type Pointer, type Step, step } from "../kernel.ts";
import { pad4 } from "../layout.ts";
import { wasmKernel } from "../module.ts";

/** Rows that a kernel reads side by side. */
export const ROWS = 4;
const BLOCK_BYTES = 16 * 1024;
const MOST_CHUNKS = 32;

/** A tensor as rows of channels. */
export interface Rows {
  readonly count: number;
  /** Bytes of one row, a multiple of 16. */
  readonly rowBytes: number;
  /** Rows of a block of about 16 KB, a multiple of ROWS. */
  readonly blockRows: number;
  readonly blocks: number;
  readonly chunkRows: number;
  readonly chunks: number;
}

/** The rows of an activation [n, c] or [n, c, h, w]. */
export function rowsOf({ shape: [n, c, h = 1, w = 1] }: Value): Rows {
  const count = n * h * w;
  const rowBytes = pad4(c) * 4;
  const blockRows = Math.max(1, Math.floor(BLOCK_BYTES / rowBytes / ROWS)) * ROWS;
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

/** Adds `count` rows from `first` on to the sums at `own`. */
function sumRows(k: Code, a: Names, reduction: Reduction, first: Local<"i32">, own: Local<"i32">, count: number): void {
  const start = k.local(first.times(a.rowBytes));
  const at = reduction.inputs.map((name) => {
    const rows = [k.local(a[name].plus(start))];
    while (rows.length < count) rows.push(k.local(rows[rows.length - 1].plus(a.rowBytes)));
    return rows;
  });
  const places = [own];
  while (places.length < reduction.sums) places.push(k.local(places[places.length - 1].plus(a.rowBytes)));
  k.for({ to: a.rowBytes, step: 16 }, (lane) => {
    const channel = reduction.perChannel.map((name) => k.local(v128.load(a[name].plus(lane))));
    const sums = places.map((place) => k.local(v128.load(place.plus(lane))));
    for (let i = 0; i < count; i++) {
      const row = at.map((rows) => k.local(v128.load(rows[i].plus(lane))));
      const next = reduction.update(k, row, channel, sums);
      for (const [j, sum] of sums.entries()) sum.set(next[j]);
    }
    for (const [j, place] of places.entries()) k.store(place.plus(lane), sums[j]);
  });
}

/** The step that fills `partial` with rows.chunks × sums × channels. */
export function reduceChannels(reduction: Reduction, rows: Rows, partial: Pointer, pointers: Readonly<Record<string, Pointer>>): Step {
  const names = Object.fromEntries([...reduction.inputs, ...reduction.perChannel].map((name) => [name, "i32"] as const));
  const fields = { partial: "i32", count: "i32", rowBytes: "i32", chunkRows: "i32", ...names } as const;
  const kernel = wasmKernel(`sum over pixels: ${reduction.key}`, fields, (args, k) => {
    const a = args as unknown as Names;
    const bytes = k.local(a.rowBytes.times(reduction.sums));
    k.for({ from: args.begin, to: args.end }, (unit) => {
      const own = k.local(a.partial.plus(unit.times(bytes)));
      k.for({ to: bytes, step: 16 }, (lane) => k.store(own.plus(lane), f32x4.const(0)));
      const first = k.local(unit.times(a.chunkRows));
      const count = k.local(i32.min(first.plus(a.chunkRows), a.count).minus(first));
      const whole = k.local(first.plus(i32.and(count, -ROWS)));
      k.for({ from: first, to: whole, step: ROWS }, (row) => sumRows(k, a, reduction, row, own, ROWS));
      k.for({ from: whole, to: first.plus(count) }, (row) => sumRows(k, a, reduction, row, own, 1));
    });
  });
  const { count, rowBytes, chunkRows } = rows;
  return step(kernel, rows.chunks, { partial, count, rowBytes, chunkRows, ...pointers } as never);
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
