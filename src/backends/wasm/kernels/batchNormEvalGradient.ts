/** The gradient of normalisation with stored statistics. */
import { f32x4, v128 } from "../assembler.ts";
import { type Lower, step } from "../kernel.ts";
import { wasmKernel } from "../module.ts";
import { LEAST_VARIANCE } from "./batchNorm.ts";
import { gradientSums } from "./batchNormGradient.ts";
import { affineStep } from "./channelAffine.ts";
import { partialSums, reduceChannels, rowsOf, totalOf } from "./channelReduction.ts";

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
