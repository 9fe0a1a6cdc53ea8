/**
 * The gradient through normalisation with the batch's own statistics. With sums Σ dy and Σ dy · (x − mean) over the m rows,
 *   dbeta = Σ dy,  dgamma = Σ dy · (x − mean) / std,  dx = gamma / std · (dy − dbeta / m − x̂ · dgamma / m) = a · dy + b · x + c
 * with one a, b, c per channel: two passes over x and dy.
 */
import { f32x4, v128 } from "../assembler.ts";
import { type Lower, step } from "../kernel.ts";
import { wasmKernel } from "../module.ts";
import { affineStep } from "./channelAffine.ts";
import { partialSums, type Reduction, reduceChannels, rowsOf, totalOf } from "./channelReduction.ts";

/** Σ dy and Σ dy · (x − mean). */
export const gradientSums: Reduction = {
  key: "dy, dy · (x − mean)",
  inputs: ["dy", "x"],
  perChannel: ["mean"],
  sums: 2,
  update: (k, [dy, x], [mean], [sum, dot]) => [f32x4.add(sum, dy), k.madd(dy, f32x4.sub(x, mean), dot)],
};

const finish = wasmKernel(
  "batchNormGradient sums",
  {
    partial: "i32",
    chunks: "i32",
    rowBytes: "i32",
    a: "i32",
    b: "i32",
    c: "i32",
    gamma: "i32",
    mean: "i32",
    inverseStd: "i32",
    dgamma: "i32",
    dbeta: "i32",
    share: "f32",
  },
  (p, k) => {
    const share = k.local(f32x4.splat(p.share));
    k.for({ from: p.begin, to: p.end }, (vector) => {
      const lane = k.local(vector.times(16));
      const sum = totalOf(k, p, gradientSums, 0, lane);
      const inverse = k.local(v128.load(p.inverseStd.plus(lane)));
      const dgamma = k.local(f32x4.mul(totalOf(k, p, gradientSums, 1, lane), inverse));
      k.store(p.dbeta.plus(lane), sum);
      k.store(p.dgamma.plus(lane), dgamma);
      const a = k.local(f32x4.mul(v128.load(p.gamma.plus(lane)), inverse));
      const scaled = k.local(f32x4.mul(a, share));
      const b = k.local(f32x4.neg(f32x4.mul(scaled, f32x4.mul(inverse, dgamma))));
      k.store(p.a.plus(lane), a);
      k.store(p.b.plus(lane), b);
      k.store(p.c.plus(lane), f32x4.neg(k.madd(scaled, sum, f32x4.mul(v128.load(p.mean.plus(lane)), b))));
    });
  },
);

export const batchNormGradient: Lower = (node, context) => {
  const [x, gamma, mean, inverseStd, dy] = node.inputs.map((value) => context.at(value));
  const [dx, dgamma, dbeta] = node.outputs.map((value) => context.at(value));
  const rows = rowsOf(node.inputs[0]);
  const { chunks, rowBytes } = rows;
  const vectors = rowBytes / 16;
  const partial = partialSums(context, rows, gradientSums.sums);
  const [a, b, c] = [0, 1, 2].map(() => context.scratch(vectors * 4));
  return [
    reduceChannels(gradientSums, rows, partial, { dy, x, mean }),
    step(finish, vectors, { partial, chunks, rowBytes, a, b, c, gamma, mean, inverseStd, dgamma, dbeta, share: 1 / rows.count }),
    affineStep(rows, { y: dx, x: dy, a, z: x, b, c }),
  ];
};
