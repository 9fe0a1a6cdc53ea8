/**
 * Elementwise ops as passes of their own: y = f(x, …) on four lanes, whole buffers with their padding, 16 KB a unit. Where the second
 * operand is broadcast ([n, c, 1, 1], [n, 1, 1, 1], [c] …) a second form walks pixels and steps that operand by strides that may be 0.
 */
import { type Shape, size } from "../../../core/shape.ts";
import type { Node, Value } from "../../../ir/graph.ts";
import type { OpName } from "../../../ops/index.ts";
import { type Expr, f32x4, i32, v128 } from "../assembler.ts";
import { type Epilogue, type Expression, epilogueOf } from "../epilogue.ts";
import { type Lower, type LowerContext, type Step, step } from "../kernel.ts";
import { floatsOf, stridesOf } from "../layout.ts";
import { wasmKernel } from "../module.ts";
import { expressions } from "./expressions.ts";

const UNIT = 1024;

function kindOf(node: Node): string {
  const attrs = JSON.stringify(node.attrs);
  return `${node.op.name}${attrs === "{}" ? "" : attrs}`;
}

function flat(node: Node, expression: Expression, epilogue: Epilogue, context: LowerContext): readonly Step[] {
  const names = node.inputs.map((_, i) => `x${i}`);
  const fields = { y: "i32", vectors: "i32", ...Object.fromEntries(names.map((name) => [name, "i32"])), ...epilogue.fields } as Record<
    string,
    "i32"
  >;
  const kernel = wasmKernel(`elementwise ${kindOf(node)}${epilogue.key}`, fields, (args, k) => {
    const apply = expression(k, node.attrs);
    const finish = epilogue.begin(k, args);
    const last = k.local(i32.min(args.end.times(UNIT), args.vectors));
    k.for({ from: args.begin.times(UNIT * 16), to: last.times(16), step: 16 }, (at) => {
      const [x, ...others] = names.map((name) => k.local(v128.load(args[name].plus(at))));
      k.store(args.y.plus(at), finish(apply(x, ...others), at));
    });
  });
  const [y] = node.outputs;
  const vectors = floatsOf(y.shape, context.isWeight(y) ? "weight" : "activation") / 4;
  const pointers = Object.fromEntries(names.map((name, i) => [name, context.at(node.inputs[i])]));
  return [step(kernel, Math.ceil(vectors / UNIT), { y: context.at(y), vectors, ...pointers, ...epilogue.args })];
}

/** True where whole vectors of an operand's channels may be read at each of its pixels: a stored one has no lanes to fill them up. */
function hasWholePixels(value: Value, context: LowerContext): boolean {
  const [, channels = 1] = value.shape;
  return !context.isWeight(value) || channels === 1 || channels % 4 === 0 || size(value.shape) === channels;
}

/** Byte steps of a broadcast operand along n, h, w of the output; 0 where it has one element there. */
function broadcastSteps(value: Value, isWeight: boolean): { n: number; h: number; w: number } {
  const shape: Shape = value.shape.length === 1 ? [1, ...value.shape] : value.shape;
  const strides = stridesOf(shape, isWeight ? "weight" : "activation");
  const along = (axis: number): number => ((shape[axis] ?? 1) > 1 ? (strides[axis] ?? 0) * 4 : 0);
  return { n: along(0), h: along(2), w: along(3) };
}

function broadcast(node: Node, expression: Expression, epilogue: Epilogue, context: LowerContext): readonly Step[] {
  const [x, other] = node.inputs;
  const isSplat = size(other.shape) === 1 || (other.shape.length > 1 && other.shape[1] === 1);
  const [n, c, h = 1, w = 1] = x.shape;
  const lanes = floatsOf([c], "activation");
  const fields = {
    y: "i32",
    x: "i32",
    b: "i32",
    h: "i32",
    w: "i32",
    pixel: "i32",
    bn: "i32",
    bh: "i32",
    bw: "i32",
    ...epilogue.fields,
  } as const;
  const kernel = wasmKernel(`broadcast ${kindOf(node)} ${isSplat ? "splat" : "vector"}${epilogue.key}`, fields, (args, k) => {
    const apply = expression(k, node.attrs);
    const finish = epilogue.begin(k, args);
    k.for({ from: args.begin, to: args.end }, (row) => {
      const at = k.local(row.times(args.w).times(args.pixel));
      const b = k.local(args.b.plus(i32.div(row, args.h).times(args.bn)).plus(i32.rem(row, args.h).times(args.bh)));
      k.for({ to: args.w }, () => {
        k.for({ to: args.pixel, step: 16 }, (lane) => {
          const second = k.local(isSplat ? f32x4.loadSplat(b) : v128.load(b.plus(lane)));
          k.store(args.y.plus(at), finish(apply(k.local(v128.load(args.x.plus(at))), second), at as Expr<"i32">));
          at.add(16);
        });
        b.add(args.bw);
      });
    });
  });
  const { n: bn, h: bh, w: bw } = broadcastSteps(other, context.isWeight(other));
  const pointers = { y: context.at(node.outputs[0]), x: context.at(x), b: context.at(other) };
  return [step(kernel, n * h, { ...pointers, h, w, pixel: lanes * 4, bn, bh, bw, ...epilogue.args })];
}

/** Lowers any op that has an expression. */
export const elementwise: Lower = (node, context) => {
  const expression = expressions[node.op.name as OpName];
  const epilogue = epilogueOf(node, context, expressions);
  if (!expression || !epilogue) return undefined;
  const shape = node.outputs[0].shape.join();
  const isWeight = context.isWeight(node.outputs[0]);
  // Weights and activations of one shape lie differently; such a pair is rare enough for the reference.
  if (node.inputs.some((value) => value.shape.length > 1 && value.shape.join() === shape && context.isWeight(value) !== isWeight))
    return undefined;
  if (node.inputs.every((value) => value.shape.join() === shape)) return flat(node, expression, epilogue, context);
  const isBroadcastable = node.inputs.length === 2 && node.inputs[0].shape.join() === shape && node.inputs[0].shape.length !== 3;
  return isBroadcastable && !isWeight && hasWholePixels(node.inputs[1], context)
    ? broadcast(node, expression, epilogue, context)
    : undefined;
};
