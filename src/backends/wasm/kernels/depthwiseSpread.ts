/**
 * The input gradient of a strided depthwise convolution, without the zeros between dy's pixels. Input pixel u (counted from the padding's
 * first) meets output q − j through tap r + j · stride, where u = q · stride + r. A tile is COLUMNS whole strides wide and one high: it
 * reads a small patch of dy once, and each of its pixels uses the taps of its own remainder. Four channels a vector, channels innermost;
 * gradients outside dy are read from zeros behind the packed filters. A unit is one row of tiles.
 */
import { type Code, type Expr, f32x4, i32, type Local, v128 } from "../assembler.ts";
import { type Pointer, type Step, shifted, step } from "../kernel.ts";
import { pad4 } from "../layout.ts";
import { type Arguments, type Fields, wasmKernel } from "../module.ts";
import { MOST_TAPS } from "./depthwise.ts";
import type { Tap, TapCode } from "./taps.ts";
import { type Pair, tileFields } from "./window.ts";

/** One gradient. `size` is dx's, `outSize` dy's. */
export interface DepthwiseSpread {
  readonly tap: Tap;
  readonly dx: Pointer;
  readonly dy: Pointer;
  /** Filters packed in lanes. */
  readonly packed: Pointer;
  /** The tap's third operand, laid out as dx. */
  readonly own?: Pointer;
  readonly images: number;
  readonly channels: number;
  readonly size: Pair;
  readonly outSize: Pair;
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly before: Pair;
}

const fields = {
  dx: "i32",
  dy: "i32",
  packed: "i32",
  zeros: "i32",
  ...tileFields,
  tileColumns: "i32",
  firstRow: "i32",
  firstColumn: "i32",
} as const;

type Args = Arguments<typeof fields & { readonly own: "i32" }>;

interface Kind {
  readonly tap: Tap;
  readonly kernel: Pair;
  readonly stride: Pair;
  /** Strides in a tile, along columns. */
  readonly columns: number;
}

/** The most sums in a tile. */
const MOST_SUMS = 9;

/** True where a kernel and stride are small enough to be written out. */
export function isSpreadServed([rows, columns]: Pair, stride: Pair): boolean {
  return rows * columns <= MOST_TAPS && stride[0] * stride[1] <= MOST_SUMS;
}

/** Output rows (or columns) that one stride of input meets: q, q − 1 … */
function reach(kernel: number, stride: number): number {
  return Math.ceil(kernel / stride);
}

/** The corner of a tile. */
interface Corner {
  readonly image: Local<"i32">;
  /** Stride q of the tile, and its first input pixel. */
  readonly qRow: Local<"i32">;
  readonly qColumn: Local<"i32">;
  readonly row: Local<"i32">;
  readonly column: Local<"i32">;
}

/** Pointers to the patch of dy: patch[a][b] is output (q row − a, q column + columns − 1 − b). */
function patchPointers(k: Code, kind: Kind, args: Args, { image, qRow, qColumn }: Corner): Local<"i32">[][] {
  const rows = reach(kind.kernel[0], kind.stride[0]);
  const columns = reach(kind.kernel[1], kind.stride[1]) + kind.columns - 1;
  return Array.from({ length: rows }, (_, a) => {
    const y = k.local(qRow.minus(a));
    const line = k.local(image.times(args.outHeight).plus(y).times(args.outWidth));
    return Array.from({ length: columns }, (_, b) => {
      const x = k.local(qColumn.plus(kind.columns - 1 - b));
      const isInside = i32.and(i32.ltU(y, args.outHeight), i32.ltU(x, args.outWidth));
      return k.local(i32.select(isInside, args.dy.plus(line.plus(x).times(args.pixel)), args.zeros));
    });
  });
}

/** The tile's sums for the vector at byte `channel`, in reading order of its pixels. */
function sumTile(
  k: Code,
  { kernel, stride, columns }: Kind,
  patch: Local<"i32">[][],
  channel: Local<"i32">,
  filter: Local<"i32">,
  tap: TapCode,
  owns: readonly Local<"v128">[],
): Local<"v128">[] {
  const width = columns * stride[1];
  const sums = Array.from({ length: stride[0] * width }, () => k.local(f32x4.const(0)));
  for (const [a, line] of patch.entries()) {
    for (const [b, pointer] of line.entries()) {
      const slope = k.local(v128.load(pointer.plus(channel)));
      for (const [i, sum] of sums.entries()) {
        const [row, column] = [Math.floor(i / width), i % width];
        const ky = row + a * stride[0];
        // Stride s of the tile meets output columns s, s − 1 …; entry b is output column columns − 1 − b.
        const kx = (column % stride[1]) + (Math.floor(column / stride[1]) - (columns - 1 - b)) * stride[1];
        if (ky >= kernel[0] || kx < 0 || kx >= kernel[1]) continue;
        sum.set(tap.add(sum, slope, k.local(v128.load(filter, (ky * kernel[1] + kx) * 16)), owns[i], undefined));
      }
    }
  }
  return sums;
}

function tile(k: Code, kind: Kind, args: Args, tap: TapCode, corner: Corner): void {
  const { image, row, column } = corner;
  const width = kind.columns * kind.stride[1];
  const patch = patchPointers(k, kind, args, corner);
  const filter = k.local(args.packed);
  const line = k.local(args.width.times(args.pixel));
  const start = k.local(image.times(args.height).plus(row).times(args.width).plus(column).times(args.pixel));
  const isRow = Array.from({ length: kind.stride[0] }, (_, i) => k.local(i32.ltU(row.plus(i), args.height)));
  const isColumn = Array.from({ length: width }, (_, i) => k.local(i32.ltU(column.plus(i), args.width)));
  const isInner = [...isRow, ...isColumn].reduce((all, each) => k.local(i32.and(all, each)));
  const isThere = (i: number): Expr<"i32"> => i32.and(isRow[Math.floor(i / width)], isColumn[i % width]);
  const vectors = (isEdge: boolean): void => {
    k.for({ to: args.pixel, step: 16 }, (channel) => {
      const first = k.local(start.plus(channel));
      const at = (i: number): Expr<"i32"> => first.plus(line.times(Math.floor(i / width))).plus(args.pixel.times(i % width));
      const ownOf = (i: number): Local<"v128"> => {
        // A pixel outside dx is never stored; the gradient's first vector stands in.
        const from = isEdge ? i32.select(isThere(i), args.own.plus(at(i)), args.own) : args.own.plus(at(i));
        return k.local(tap.own(v128.load(from)));
      };
      const owns = kind.tap.hasOwn ? Array.from({ length: kind.stride[0] * width }, (_, i) => ownOf(i)) : [];
      const sums = sumTile(k, kind, patch, channel, filter, tap, owns);
      for (const [i, sum] of sums.entries()) {
        const store = (): void => k.store(args.dx.plus(at(i)), tap.finish(sum, owns[i]));
        if (isEdge) k.if(isThere(i), store);
        else store();
      }
      filter.add(kind.kernel[0] * kind.kernel[1] * 16);
    });
  };
  k.if(
    isInner,
    () => vectors(false),
    () => vectors(true),
  );
}

function emitSpread(kind: Kind, args: Args, k: Code): void {
  const { stride, columns } = kind;
  const tap = kind.tap.begin(k);
  k.for({ from: args.begin, to: args.end }, (unit) => {
    const image = k.local(i32.divU(unit, args.tileRows));
    const qRow = k.local(unit.minus(image.times(args.tileRows)).plus(args.firstRow));
    const row = k.local(qRow.times(stride[0]).minus(args.top));
    k.for({ to: args.tileColumns }, (index) => {
      const qColumn = k.local(index.times(columns).plus(args.firstColumn));
      const column = k.local(qColumn.times(stride[1]).minus(args.left));
      tile(k, kind, args, tap, { image, qRow, qColumn, row, column });
    });
  });
}

/** The steps of one gradient. */
export function depthwiseSpreadSteps(gradient: DepthwiseSpread): readonly Step[] {
  const { tap, dx, dy, packed, own, images, channels, size, outSize, kernel, stride, before } = gradient;
  const columns = Math.max(1, Math.floor(MOST_SUMS / (stride[0] * stride[1])));
  const lanes = pad4(channels);
  const first = before.map((extent, axis) => Math.floor(extent / stride[axis]));
  const strides = before.map((extent, axis) => Math.floor((size[axis] - 1 + extent) / stride[axis]) + 1 - first[axis]);
  const kind: Kind = { tap, kernel, stride, columns };
  const kernelName = `depthwise spread${tap.key} ${kernel.join("x")} stride ${stride.join("x")}`;
  const [[height, width], [outHeight, outWidth], [top, left]] = [size, outSize, before];
  const all: Fields = own ? { ...fields, own: "i32" } : fields;
  const source = wasmKernel<Fields>(kernelName, all, (args, k) => emitSpread(kind, args as unknown as Args, k));
  const tiles = { tileRows: strides[0], tileColumns: Math.ceil(strides[1] / columns), firstRow: first[0], firstColumn: first[1] };
  const zeros = shifted(packed, lanes * kernel[0] * kernel[1] * 4);
  const sizes = { height, width, outHeight, outWidth, top, left, pixel: lanes * 4 };
  return [step<Fields>(source, images * strides[0], { dx, dy, packed, zeros, ...(own ? { own } : {}), ...sizes, ...tiles })];
}
