/**
 * Dynamic Shift-Max in one pass: y = max over k of a_k · x + b_k · x'. The coefficients of an image, computed from its gates first, lie as
 * [image][sum][a, b][channel] in rows like a pixel's; they are loaded once for each vector of channels of several pixels. A unit is a block of
 * pixels of one image.
 */
import type { Node } from "../../../ir/graph.ts";
import type { DynamicShiftMax } from "../../../ops/dynamicShiftMax.ts";
import { type Code, f32, f32x4, i32, type Local, type V128, v128 } from "../assembler.ts";
import { type Epilogue, epilogueOf } from "../epilogue.ts";
import { type Lower, type LowerContext, type Pointer, type Step, step } from "../kernel.ts";
import { pad4 } from "../layout.ts";
import { type Fields, type KernelSource, wasmKernel } from "../module.ts";
import { hasActivations } from "./activations.ts";
import { ROWS } from "./channelReduction.ts";
import { expressions } from "./expressions.ts";
import { eachRolledVector, type Roll, rollOf } from "./rolledChannels.ts";

const BLOCK_BYTES = 16 * 1024;

/** Fields by name; which there are depends on the number of sums and on the epilogue. */
export type Names = Readonly<Record<string, Local<"i32">>>;

/** A node's images as rows of channels, `count` of them an image, and as gates. All in bytes but for counts. */
export interface ShiftMaxSizes {
  readonly images: number;
  readonly channels: number;
  readonly count: number;
  readonly rowBytes: number;
  readonly gateBytes: number;
  /** Rows of about 16 KB, a multiple of ROWS. */
  readonly blockRows: number;
}

/** The sizes of a node. */
export function sizesOf(node: Node): ShiftMaxSizes {
  const [[images, channels, h, w], gates] = node.inputs.map(({ shape }) => shape);
  const rowBytes = pad4(channels) * 4;
  const blockRows = Math.max(1, Math.floor(BLOCK_BYTES / rowBytes / ROWS)) * ROWS;
  return { images, channels, count: h * w, rowBytes, gateBytes: pad4(gates[1]) * 4, blockRows };
}

const coefficientFields = { y: "i32", gates: "i32", slope: "f32", channels: "i32", rowBytes: "i32", gateBytes: "i32" } as const;

/** Coefficients from gates, init − range + 2 · range · gate; a unit is an image. */
function coefficientKernel(parts: number): KernelSource<Fields> {
  const starts = Array.from({ length: parts }, (_, i) => [`start${i}`, "f32"] as const);
  return wasmKernel<Fields>(`shift-max coefficients ${parts}`, { ...coefficientFields, ...Object.fromEntries(starts) }, (given, k) => {
    const a = given as unknown as Names;
    const slope = given.slope as Local<"f32">;
    const wide = k.local(f32x4.splat(slope));
    const whole = k.local(i32.and(a.channels, -4).times(4));
    k.for({ from: a.begin, to: a.end }, (image) => {
      const from = k.local(a.gates.plus(image.times(a.gateBytes)));
      const to = k.local(a.y.plus(image.times(a.rowBytes).times(parts)));
      for (const [name] of starts) {
        const start = given[name] as Local<"f32">;
        const base = k.local(f32x4.splat(start));
        k.store(to.plus(a.rowBytes).minus(16), f32x4.const(0));
        k.for({ to: whole, step: 16 }, (lane) => k.store(to.plus(lane), k.madd(v128.load(from.plus(lane)), wide, base)));
        k.for({ from: whole, to: a.channels.times(4), step: 4 }, (lane) =>
          k.store(to.plus(lane), f32.add(f32.mul(f32.load(from.plus(lane)), slope), start)),
        );
        from.add(a.channels.times(4));
        to.add(a.rowBytes);
      }
    });
  });
}

/** Where the coefficients of a node's images are, and the step that puts them there. */
export function coefficientsOf(node: Node, sizes: ShiftMaxSizes, context: LowerContext): { readonly at: Pointer; readonly step: Step } {
  const { range, init } = node.attrs as DynamicShiftMax;
  const { images, channels, rowBytes, gateBytes } = sizes;
  const at = context.scratch((images * init.length * rowBytes) / 4);
  const starts = Object.fromEntries(init.map((start, i) => [`start${i}`, start - range]));
  const args = { y: at, gates: context.at(node.inputs[1]), slope: 2 * range, channels, rowBytes, gateBytes, ...starts };
  return { at, step: step(coefficientKernel(init.length), images, args as never) };
}

/** Loads the coefficients of a vector of channels: a and b of each sum. */
export function loadCoefficients(k: Code, from: Local<"i32">, rowBytes: Local<"i32">, parts: number): readonly Local<"v128">[] {
  const at = k.local(from);
  return Array.from({ length: parts }, (_, i) => {
    if (i > 0) at.add(rowBytes);
    return k.local(v128.load(at));
  });
}

/** The sums of one vector of channels. */
export function sumsOf(k: Code, coefficients: readonly V128[], x: V128, shifted: V128): readonly Local<"v128">[] {
  return Array.from({ length: coefficients.length / 2 }, (_, i) =>
    k.local(k.madd(x, coefficients[2 * i], f32x4.mul(shifted, coefficients[2 * i + 1]))),
  );
}

/** Calls `map` for the rows from `first` to `last`, ROWS at a time and then one by one. */
export function eachRows(k: Code, first: Local<"i32">, last: Local<"i32">, map: (row: Local<"i32">, count: number) => void): void {
  const whole = k.local(first.plus(i32.and(last.minus(first), -ROWS)));
  k.for({ from: first, to: whole, step: ROWS }, (row) => map(row, ROWS));
  k.for({ from: whole, to: last }, (row) => map(row, 1));
}

/** The addresses of neighbouring rows. */
export function rowStarts(k: Code, first: Local<"i32">, rowBytes: Local<"i32">, count: number): readonly Local<"i32">[] {
  const starts = [k.local(first)];
  while (starts.length < count) starts.push(k.local(starts[starts.length - 1].plus(rowBytes)));
  return starts;
}

const mapFields = { y: "i32", x: "i32", coefficients: "i32", count: "i32", rowBytes: "i32", blockRows: "i32", blocks: "i32" } as const;

/** The first of equals, and a NaN of the first sum: where x or x' is none, each sum has one. */
function greatest([first, ...others]: readonly V128[]): V128 {
  return others.reduce(f32x4.pmax, first);
}

function mapKernel(parts: number, roll: Roll, epilogue: Epilogue): KernelSource<Fields> {
  const fields = { ...mapFields, ...roll.fields, ...epilogue.fields };
  return wasmKernel<Fields>(`shift-max ${parts} ${roll.key}${epilogue.key}`, fields, (given, k) => {
    const a = given as unknown as Names;
    const finish = epilogue.begin(k, a);
    k.for({ from: a.begin, to: a.end }, (unit) => {
      const image = k.local(i32.divU(unit, a.blocks));
      const first = k.local(unit.minus(image.times(a.blocks)).times(a.blockRows));
      const last = k.local(i32.min(first.plus(a.blockRows), a.count));
      const own = k.local(a.coefficients.plus(image.times(a.rowBytes).times(parts)));
      eachRows(k, first, last, (row, count) => {
        const starts = rowStarts(k, k.local(image.times(a.count).plus(row).times(a.rowBytes)), a.rowBytes, count);
        const rows = starts.map((start) => k.local(a.x.plus(start)));
        eachRolledVector(k, roll, a, a.rowBytes, (lane, rolled) => {
          const coefficients = loadCoefficients(k, k.local(own.plus(lane)), a.rowBytes, parts);
          for (const [i, from] of rows.entries()) {
            const sums = sumsOf(k, coefficients, k.local(v128.load(from.plus(lane))), k.local(rolled(from)));
            const at = k.local(starts[i].plus(lane));
            k.store(a.y.plus(at), finish(greatest(sums), at));
          }
        });
      });
    });
  });
}

export const dynamicShiftMax: Lower = (node, context) => {
  const epilogue = epilogueOf(node, context, expressions);
  if (!epilogue || !hasActivations(node, context)) return undefined;
  const { groups, init } = node.attrs as DynamicShiftMax;
  const sizes = sizesOf(node);
  const { images, channels, count, rowBytes, blockRows } = sizes;
  const coefficients = coefficientsOf(node, sizes, context);
  const roll = rollOf("forward", channels, groups, context);
  const blocks = Math.ceil(count / blockRows);
  const pointers = { y: context.at(node.outputs[0]), x: context.at(node.inputs[0]), coefficients: coefficients.at };
  const args = { ...pointers, count, rowBytes, blockRows, blocks, ...roll.args, ...epilogue.args };
  return [coefficients.step, ...roll.steps, step(mapKernel(init.length, roll, epilogue), images * blocks, args as never)];
};
