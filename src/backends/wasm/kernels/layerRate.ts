import { size } from "../../../core/shape.ts";
import { LEAST_NORM } from "../../../ops/layerRate.ts";
import { f32, f32x4, i32, v128 } from "../assembler.ts";
import { type Lower, step } from "../kernel.ts";
import { floatsOf } from "../layout.ts";
import { wasmKernel } from "../module.ts";
import { normSteps } from "./clipping.ts";

/** Vectors of a unit. */
const UNIT = 2048;

const fields = { y: "i32", x: "i32", vectors: "i32", norm: "i32", target: "f32" } as const;

/** y = x · target / max(√norm, least); a norm that is NaN stays one. */
const scaleToNorm = wasmKernel("layerRate", fields, ({ y, x, vectors, norm, target, begin, end }, k) => {
  const root = k.local(f32.sqrt(f32.load(norm)));
  const held = f32.select(f32.lt(root, f32.const(LEAST_NORM)), f32.const(LEAST_NORM), root);
  const scale = k.local(f32x4.splat(f32.div(target, held)));
  const last = k.local(i32.min(end.times(UNIT), vectors));
  k.for({ from: begin.times(UNIT * 16), to: last.times(16), step: 16 }, (at) =>
    k.store(y.plus(at), f32x4.mul(v128.load(x.plus(at)), scale)),
  );
});

export const layerRate: Lower = (node, context) => {
  const [x] = node.inputs;
  const [y] = node.outputs;
  const isWeight = context.isWeight(x);
  if (isWeight !== context.isWeight(y)) return undefined;
  const norm = context.scratch(4);
  const vectors = floatsOf(x.shape, isWeight ? "weight" : "activation") / 4;
  const target = (node.attrs as { rate: number }).rate * Math.sqrt(size(x.shape));
  const args = { y: context.at(y), x: context.at(x), vectors, norm, target };
  return [...normSteps(x, norm, context), step(scaleToNorm, Math.ceil(vectors / UNIT), args)];
};
