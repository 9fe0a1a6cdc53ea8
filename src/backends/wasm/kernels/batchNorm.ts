/** Normalisation with stored statistics, where it has not been folded into a convolution, and its gradient. */
import { f32x4, v128 } from "../assembler.ts";
import { epilogueOf } from "../epilogue.ts";
import { type Lower, step } from "../kernel.ts";
import { pad4 } from "../layout.ts";
import { wasmKernel } from "../module.ts";
import { gradientSums } from "./batchNormGradient.ts";
import { affineStep } from "./channelAffine.ts";
import { partialSums, reduceChannels, rowsOf, totalOf } from "./channelReduction.ts";
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

/** From Σ dy and Σ dy · (x − mean): dgamma, dbeta, and dx = a · dy + c. */
const finishEval = wasmKernel(
  "batchNormEvalGradient sums",
  {
    partial: "i32",
    chunks: "i32",
    rowBytes: "i32",
    a: "i32",
    c: "i32",
    gamma: "i32",
    variance: "i32",
    dgamma: "i32",
    dbeta: "i32",
    eps: "f32",
  },
  (p, k) => {
    const one = k.local(f32x4.const(1));
    k.for({ from: p.begin, to: p.end }, (vector) => {
      const lane = k.local(vector.times(16));
      const sum = totalOf(k, p, gradientSums, 0, lane);
      const dot = totalOf(k, p, gradientSums, 1, lane);
      const spread = f32x4.max(f32x4.add(v128.load(p.variance.plus(lane)), f32x4.splat(p.eps)), f32x4.const(LEAST_VARIANCE));
      const inverse = k.local(f32x4.div(one, f32x4.sqrt(spread)));
      k.store(p.a.plus(lane), f32x4.mul(v128.load(p.gamma.plus(lane)), inverse));
      k.store(p.c.plus(lane), f32x4.const(0));
      k.store(p.dgamma.plus(lane), f32x4.mul(dot, inverse));
      k.store(p.dbeta.plus(lane), sum);
    });
  },
);

export const batchNormEvalGradient: Lower = (node, context) => {
  const [x, gamma, mean, variance, dy] = node.inputs;
  const [dx, dgamma, dbeta] = node.outputs.map((value) => context.at(value));
  const { eps } = node.attrs as { eps: number };
  const rows = rowsOf(x);
  const partial = partialSums(context, rows, gradientSums.sums);
  const vectors = rows.rowBytes / 16;
  const [a, c] = [context.scratch(vectors * 4), context.scratch(vectors * 4)];
  const statistics = { gamma: context.at(gamma), variance: context.at(variance), eps };
  return [
    reduceChannels(gradientSums, rows, partial, { dy: context.at(dy), x: context.at(x), mean: context.at(mean) }),
    step(finishEval, vectors, { partial, chunks: rows.chunks, rowBytes: rows.rowBytes, a, c, dgamma, dbeta, ...statistics }),
    affineStep(rows, { y: dx, x: context.at(dy), a, c }),
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
