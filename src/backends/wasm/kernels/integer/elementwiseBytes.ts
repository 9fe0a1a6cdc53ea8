/** Ops on bytes that need no neighbours: tables and sums, over whole buffers with their padding. */
import { dtypeOf } from "../../../../ir/graph.ts";
import type { IntegerAddition } from "../../../../ops/integerAdd.ts";
import { f32x4, i8x16, i16x8, i32x4, type V128, v128 } from "../../assembler.ts";
import { type Lower, step } from "../../kernel.ts";
import { bytesOf } from "../../layout.ts";
import { type Fields, wasmKernel } from "../../module.ts";
import { boundsOf, eachVector, lookedUp, UNIT_BYTES } from "./bounds.ts";

/** Four vectors of 32 bits, from sixteen bytes. */
export function widened(x: V128): V128[] {
  const halves = [i16x8.extendLowU(x), i16x8.extendHighU(x)];
  return halves.flatMap((half) => [i32x4.extendLowU(half), i32x4.extendHighU(half)]);
}

/** Four vectors of 32 bits as sixteen bytes, saturated. */
export function narrowed([a, b, c, d]: readonly V128[]): V128 {
  return i8x16.narrowU(i16x8.narrow(a, b), i16x8.narrow(c, d));
}

const lookupFields = { y: "i32", x: "i32", table: "i32", bytes: "i32" } as const;

function lookupKernel(entries: 128 | 256): ReturnType<typeof wasmKernel<typeof lookupFields>> {
  return wasmKernel(`lookup ${entries}`, lookupFields, (args, k) => {
    eachVector(k, args, (at) => k.store(args.y.plus(at), lookedUp(k, args.table, v128.load(args.x.plus(at)), entries)));
  });
}

/** Steps of a table by itself. */
export const lookup: Lower = (node, context) => {
  const [x, table] = node.inputs;
  const bytes = bytesOf(x.shape, "activation", dtypeOf(x));
  const kernel = lookupKernel(dtypeOf(x) === "u7" ? 128 : 256);
  return [
    step(kernel, Math.ceil(bytes / UNIT_BYTES), { y: context.at(node.outputs[0]), x: context.at(x), table: context.at(table), bytes }),
  ];
};

const addFields = { y: "i32", a: "i32", b: "i32", bytes: "i32", first: "f32", second: "f32", offset: "f32" } as const;

/** Steps of a sum of two scales. */
export const integerAdd: Lower = (node, context) => {
  const { ratios, offset } = node.attrs as IntegerAddition;
  const [a, b] = node.inputs;
  const bounds = boundsOf(node, context);
  if (!bounds) return undefined;
  const bytes = bytesOf(a.shape, "activation", "u7");
  const fields = { ...addFields, ...bounds.fields } as typeof addFields & Fields;
  const kernel = wasmKernel<typeof addFields & Fields>(`add bytes${bounds.key}`, fields, (given, k) => {
    const args = given as unknown as Parameters<Parameters<typeof wasmKernel<typeof addFields>>[2]>[0];
    const [first, second, last] = [args.first, args.second, args.offset].map((factor) => k.local(f32x4.splat(factor)));
    const finish = bounds.begin(k, given);
    eachVector(k, args, (at) => {
      const [as, bs] = [args.a, args.b].map((x) => widened(k.local(v128.load(x.plus(at)))).map(f32x4.fromI32x4));
      const sums = as.map((x, i) => k.truncate(f32x4.add(f32x4.add(f32x4.mul(x, first), f32x4.mul(bs[i], second)), last)));
      k.store(args.y.plus(at), finish(narrowed(sums)));
    });
  });
  const places = { y: context.at(node.outputs[0]), a: context.at(a), b: context.at(b), bytes };
  const factors = { first: ratios[0], second: ratios[1], offset };
  return [step(kernel, Math.ceil(bytes / UNIT_BYTES), { ...places, ...factors, ...bounds.args })];
};
