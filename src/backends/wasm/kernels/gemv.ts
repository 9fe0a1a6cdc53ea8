/**
 * y = W · x (+ bias, then the node's epilogue) for one row of features. The work is reading W once, so W stays as it is stored, one row of
 * inputs per output: four outputs at a time, each with two vectors of partial sums, added up across their lanes at the end.
 */
import { type Code, type Expr, f32x4, i32, type Local, lanes32, type V128, v128 } from "../assembler.ts";
import type { Epilogue } from "../epilogue.ts";
import { type Pointer, type Step, step } from "../kernel.ts";
import { pad4 } from "../layout.ts";
import { type Arguments, type Fields, wasmKernel } from "../module.ts";

/** One matrix–vector product; sizes in floats. */
export interface Gemv {
  readonly x: Pointer;
  readonly weight: Pointer;
  /** Inputs, at least 4, and the distance between the rows of W. */
  readonly k: number;
  readonly rowStep: number;
  readonly n: number;
  readonly bias?: Pointer;
  readonly y: Pointer;
  readonly epilogue: Epilogue;
}

/** Fewest inputs: the last, partial vector of a row is read so that it ends with the row. */
export const LEAST_INPUTS = 4;

/** Outputs of a group. */
const GROUP = 4;

/** Multiply–adds that are worth a unit of their own. */
const UNIT_WORK = 60_000;

const baseFields = {
  x: "i32",
  weight: "i32",
  y: "i32",
  inputs: "i32",
  rowStep: "i32",
  outputs: "i32",
  groups: "i32",
  perUnit: "i32",
} as const;
type Args = Arguments<typeof baseFields & { readonly bias: "i32" }>;

/** Lane i of the result is the sum of the lanes of sums[i]. */
function transposedSum(k: Code, sums: readonly V128[]): V128 {
  const [a, b, c, d] = sums.map((sum) => k.local(sum));
  const interleave = (x: V128, y: V128): V128 => {
    return k.local(f32x4.add(v128.shuffle(x, y, lanes32(0, 4, 1, 5)), v128.shuffle(x, y, lanes32(2, 6, 3, 7))));
  };
  const ab = interleave(a, b);
  const cd = interleave(c, d);
  return f32x4.add(v128.shuffle(ab, cd, lanes32(0, 1, 4, 5)), v128.shuffle(ab, cd, lanes32(2, 3, 6, 7)));
}

/** Ones in the last (inputs mod 4) lanes. */
function tailMask(k: Code, inputs: Local<"i32">): Local<"v128"> {
  const rest = i32.and(inputs, 3);
  const mask = k.local(f32x4.const(0));
  for (let count = 1; count < 4; count++) {
    k.if(i32.eq(rest, count), () => mask.set(v128.const32(...[0, 1, 2, 3].map((lane) => (lane >= 4 - count ? -1 : 0)))));
  }
  return mask;
}

/** The four products of the rows at `rows`, whose pointers advance. */
function multiplyRows(k: Code, { x, inputs }: Args, rows: readonly Local<"i32">[], mask: Local<"v128">): V128 {
  const sums = rows.map(() => [k.local(f32x4.const(0)), k.local(f32x4.const(0))]);
  const add = (from: Expr<"i32">, half: number, advance: Expr<"i32">, isMasked = false): void => {
    const loaded = v128.load(from, half * 16);
    const pixel = k.local(isMasked ? v128.and(loaded, mask) : loaded);
    for (const [i, row] of rows.entries()) sums[i][half].set(k.madd(v128.load(row.plus(advance), half * 16), pixel, sums[i][half]));
  };
  const bytes = k.local(inputs.times(4));
  const done = k.local(i32.const(0));
  const pairs = k.local(i32.and(bytes, -32));
  k.for({ to: pairs, step: 32 }, (at) => {
    add(x.plus(at), 0, at);
    add(x.plus(at), 1, at);
  });
  done.set(pairs);
  k.if(i32.and(bytes, 16), () => add(x.plus(done), 0, done));
  const tail = k.local(bytes.minus(16));
  k.if(i32.and(bytes, 15), () => add(x.plus(tail), 0, tail, true));
  return transposedSum(
    k,
    sums.map(([low, high]) => f32x4.add(low, high)),
  );
}

function gemvKernel(epilogue: Epilogue, hasBias: boolean): ReturnType<typeof wasmKernel<Fields>> {
  const fields = { ...baseFields, ...(hasBias ? { bias: "i32" as const } : {}), ...epilogue.fields };
  return wasmKernel<Fields>(`gemv${hasBias ? " bias" : ""}${epilogue.key}`, fields, (given, k) => {
    const args = given as unknown as Args;
    const finish = epilogue.begin(k, given as unknown as Arguments<Record<string, "i32">>);
    const mask = tailMask(k, args.inputs);
    const last = k.local(i32.min(args.end.times(args.perUnit), args.groups));
    k.for({ from: args.begin.times(args.perUnit), to: last }, (group) => {
      const rows = Array.from({ length: GROUP }, (_, i) => {
        // Past the last output the last one is computed again: the padding lanes of y must be finite.
        const output = i32.min(group.times(GROUP).plus(i), args.outputs.minus(1));
        return k.local(args.weight.plus(output.times(args.rowStep)));
      });
      const sum = multiplyRows(k, args, rows, mask);
      const at = k.local(group.times(GROUP * 4));
      k.store(args.y.plus(at), finish(hasBias ? f32x4.add(sum, v128.load(args.bias.plus(at))) : sum, at));
    });
  });
}

/** The steps of one matrix–vector product. */
export function gemvSteps({ x, weight, k, rowStep, n, bias, y, epilogue }: Gemv): readonly Step[] {
  const groups = pad4(n) / GROUP;
  const perUnit = Math.max(1, Math.round(UNIT_WORK / (GROUP * k)));
  const args = {
    x,
    weight,
    y,
    inputs: k,
    rowStep: rowStep * 4,
    outputs: n,
    groups,
    perUnit,
    ...(bias ? { bias } : {}),
    ...epilogue.args,
  };
  return [step(gemvKernel(epilogue, bias !== undefined), Math.ceil(groups / perUnit), args)];
}
