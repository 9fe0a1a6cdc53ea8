/** Normalisation with stored statistics, where it has not been folded into a convolution. */
import { f32x4, v128 } from "../assembler.ts";
import { epilogueOf } from "../epilogue.ts";
import { type Lower, step } from "../kernel.ts";
import { pad4 } from "../layout.ts";
import { wasmKernel } from "../module.ts";
import { affineStep } from "./channelAffine.ts";
import { rowsOf } from "./channelReduction.ts";
import { expressions } from "./expressions.ts";

/** The least denominator: keeps padding channels finite where eps is 0. */
export const LEAST_VARIANCE = 2 ** -100;

const coefficients = wasmKernel(
  "batchNorm coefficients",
  { a: "i32", c: "i32", gamma: "i32", beta: "i32", mean: "i32", variance: "i32", eps: "f32" },
  (p, k) => {
    k.for({ from: p.begin.times(16), to: p.end.times(16), step: 16 }, (lane) => {
      const spread = f32x4.max(f32x4.add(v128.load(p.variance.plus(lane)), f32x4.splat(p.eps)), f32x4.const(LEAST_VARIANCE));
      const a = k.local(f32x4.div(v128.load(p.gamma.plus(lane)), f32x4.sqrt(spread)));
      k.store(p.a.plus(lane), a);
      k.store(p.c.plus(lane), k.nmadd(v128.load(p.mean.plus(lane)), a, v128.load(p.beta.plus(lane))));
    });
  },
);

export const batchNorm: Lower = (node, context) => {
  const [x, gamma, beta, mean, variance] = node.inputs;
  const { eps } = node.attrs as { eps: number };
  const epilogue = epilogueOf(node, context, expressions);
  if (!epilogue) return undefined;
  const rows = rowsOf(x);
  const vectors = rows.rowBytes / 16;
  const [a, c] = [context.scratch(vectors * 4), context.scratch(vectors * 4)];
  const [gammaAt, betaAt, meanAt, varianceAt] = [gamma, beta, mean, variance].map((value) => context.at(value));
  return [
    step(coefficients, vectors, { a, c, gamma: gammaAt, beta: betaAt, mean: meanAt, variance: varianceAt, eps }),
    affineStep(rows, { y: context.at(node.outputs[0]), x: context.at(x), a, c }, epilogue),
  ];
};

const scaleFields = { y: "i32", gamma: "i32", variance: "i32", eps: "f32" } as const;
const scales = wasmKernel("normScale", scaleFields, ({ y, gamma, variance, eps, begin, end }, k) => {
  k.for({ from: begin.times(16), to: end.times(16), step: 16 }, (lane) => {
    const spread = f32x4.max(f32x4.add(v128.load(variance.plus(lane)), f32x4.splat(eps)), f32x4.const(LEAST_VARIANCE));
    k.store(y.plus(lane), f32x4.div(v128.load(gamma.plus(lane)), f32x4.sqrt(spread)));
  });
});

export const normScale: Lower = (node, context) => {
  const [gamma, variance] = node.inputs.map((value) => context.at(value));
  const { eps } = node.attrs as { eps: number };
  const vectors = pad4(node.inputs[0].shape[0]) / 4;
  return node.inputs[0].shape.length === 1 ? [step(scales, vectors, { y: context.at(node.outputs[0]), gamma, variance, eps })] : undefined;
};
