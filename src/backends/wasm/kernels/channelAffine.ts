/** y = a · x + c, or a · x + b · z + c, with a, b, c one number per channel: what normalisation is once its statistics are known. */
import { type Code, i32, type Local, v128 } from "../assembler.ts";
import type { Epilogue } from "../epilogue.ts";
import { type Pointer, type Step, step } from "../kernel.ts";
import { type Fields, wasmKernel } from "../module.ts";
import { ROWS, type Rows } from "./channelReduction.ts";

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

/** Maps `count` rows from `row` on, side by side. */
function mapRows(k: Code, args: Names, row: Local<"i32">, count: number, finish: ReturnType<Epilogue["begin"]>): void {
  const starts = [k.local(row.times(args.rowBytes))];
  while (starts.length < count) starts.push(k.local(starts[starts.length - 1].plus(args.rowBytes)));
  k.for({ to: args.rowBytes, step: 16 }, (lane) => {
    const [a, c] = [args.a, args.c].map((pointer) => k.local(v128.load(pointer.plus(lane))));
    const b = args.b && k.local(v128.load(args.b.plus(lane)));
    for (const start of starts) {
      const at = k.local(start.plus(lane));
      const rest = b ? k.madd(v128.load(args.z.plus(at)), b, c) : c;
      k.store(args.y.plus(at), finish(k.madd(v128.load(args.x.plus(at)), a, rest), at));
    }
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
    k.for({ from: every.begin, to: every.end }, (unit) => {
      const first = k.local(unit.times(args.blockRows));
      const last = k.local(i32.min(first.plus(args.blockRows), args.count));
      const whole = k.local(first.plus(i32.and(last.minus(first), -ROWS)));
      k.for({ from: first, to: whole, step: ROWS }, (row) => mapRows(k, args, row, ROWS, finish));
      k.for({ from: whole, to: last }, (row) => mapRows(k, args, row, 1, finish));
    });
  });
  const { count, rowBytes, blockRows, blocks } = rows;
  return step(kernel, blocks, { ...affine, count, rowBytes, blockRows, ...epilogue?.args } as never);
}
