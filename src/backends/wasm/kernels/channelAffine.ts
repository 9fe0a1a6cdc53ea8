/** y = a · x + c, or a · x + b · z + c, with a, b, c one number per channel: what normalisation is once its statistics are known. */
import { type Code, i32, type Local, v128 } from "../assembler.ts";
import type { Epilogue } from "../epilogue.ts";
import { type Pointer, type Step, step } from "../kernel.ts";
import { type Fields, wasmKernel } from "../module.ts";
import type { Rows } from "./channelReduction.ts";

/** Rows in and out, and the channel vectors. z comes with b. */
export interface Affine {
  readonly y: Pointer;
  readonly x: Pointer;
  readonly a: Pointer;
  readonly c: Pointer;
  readonly z?: Pointer;
  readonly b?: Pointer;
}

type Names = Readonly<Record<string, Local<"i32">>>;

/** Rows [first, last) of `width` vectors from byte `lane` on, all coefficients in registers. */
function mapColumns(
  k: Code,
  args: Names,
  first: Local<"i32">,
  last: Local<"i32">,
  lane: Local<"i32">,
  width: number,
  finish: ReturnType<Epilogue["begin"]>,
): void {
  const vectors = Array.from({ length: width }, (_, i) => i * 16);
  const load = (name: string): Local<"v128">[] => vectors.map((offset) => k.local(v128.load(args[name].plus(lane), offset)));
  const a = load("a");
  const c = load("c");
  const b = args.b ? load("b") : [];
  const at = k.local(first.times(args.rowBytes).plus(lane));
  k.for({ from: first, to: last }, () => {
    for (const [i, offset] of vectors.entries()) {
      const rest = args.b ? k.madd(v128.load(args.z.plus(at), offset), b[i], c[i]) : c[i];
      const y = k.madd(v128.load(args.x.plus(at), offset), a[i], rest);
      k.store(args.y.plus(at), finish(y, offset === 0 ? at : at.plus(offset)), offset);
    }
    at.add(args.rowBytes);
  });
}

/** The step that maps all rows; a unit is a block of them. */
export function affineStep(rows: Rows, affine: Affine, epilogue?: Epilogue): Step {
  const hasSecond = affine.b !== undefined;
  const second: Fields = hasSecond ? { z: "i32", b: "i32" } : {};
  const fields: Fields = {
    y: "i32",
    x: "i32",
    a: "i32",
    c: "i32",
    count: "i32",
    rowBytes: "i32",
    blockRows: "i32",
    ...second,
    ...epilogue?.fields,
  };
  const kernel = wasmKernel(`affine per channel${hasSecond ? " of two" : ""}${epilogue?.key ?? ""}`, fields, (every, k) => {
    const args = every as unknown as Names;
    const finish = epilogue?.begin(k, args) ?? ((x) => x);
    // Four coefficients of three vectors each leave too few registers.
    const width = hasSecond ? 2 : 4;
    const wide = k.local(i32.and(args.rowBytes, -16 * width));
    k.for({ from: every.begin, to: every.end }, (unit) => {
      const first = k.local(unit.times(args.blockRows));
      const last = k.local(i32.min(first.plus(args.blockRows), args.count));
      k.for({ to: wide, step: 16 * width }, (lane) => mapColumns(k, args, first, last, lane, width, finish));
      k.for({ from: wide, to: args.rowBytes, step: 16 }, (lane) => mapColumns(k, args, first, last, lane, 1, finish));
    });
  });
  const { count, rowBytes, blockRows, blocks } = rows;
  return step(kernel, blocks, { ...affine, count, rowBytes, blockRows, ...epilogue?.args } as never);
}
