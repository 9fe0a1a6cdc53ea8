/**
 * Normalisation with the batch's own statistics. Sums are of deviations from a shift that is close to the mean (the mean of a few rows
 * spread over the batch), so that the one-pass variance loses no digits: mean = shift + Σd / m, var = Σd² / m − (Σd / m)².
 */
import { f32, f32x4, i32, v128 } from "../assembler.ts";
import { epilogueOf } from "../epilogue.ts";
import { type Lower, step } from "../kernel.ts";
import { wasmKernel } from "../module.ts";
import { LEAST_VARIANCE } from "./batchNorm.ts";
import { affineStep } from "./channelAffine.ts";
import { partialSums, type Reduction, reduceChannels, rowsOf, totalOf } from "./channelReduction.ts";
import { expressions } from "./expressions.ts";

const SAMPLES = 32;

const deviations: Reduction = {
  key: "x − shift, (x − shift)²",
  inputs: ["x"],
  perChannel: ["shift"],
  sums: 2,
  update(k, [x], [shift], [sum, squares]) {
    const d = k.local(f32x4.sub(x, shift));
    return [f32x4.add(sum, d), k.madd(d, d, squares)];
  },
};

/** The mean of `samples` rows that lie `stride` bytes apart. */
const sampleMean = wasmKernel("mean of sampled rows", { y: "i32", x: "i32", samples: "i32", stride: "i32", share: "f32" }, (a, k) => {
  k.for({ from: a.begin.times(16), to: a.end.times(16), step: 16 }, (lane) => {
    const sum = k.local(f32x4.const(0));
    const at = k.local(a.x.plus(lane));
    k.for({ to: a.samples }, () => {
      sum.set(f32x4.add(sum, v128.load(at)));
      at.add(a.stride);
    });
    k.store(a.y.plus(lane), f32x4.mul(sum, f32x4.splat(a.share)));
  });
});

/** Statistics, running statistics and y = a · x + c from the sums. share = 1 / m, bessel = m / (m − 1). */
const finish = wasmKernel(
  "batchNormTrain statistics",
  {
    partial: "i32",
    chunks: "i32",
    rowBytes: "i32",
    shift: "i32",
    a: "i32",
    c: "i32",
    gamma: "i32",
    beta: "i32",
    mean: "i32",
    variance: "i32",
    count: "i32",
    batchMean: "i32",
    inverseStd: "i32",
    newMean: "i32",
    newVariance: "i32",
    newCount: "i32",
    share: "f32",
    bessel: "f32",
    eps: "f32",
    momentum: "f32",
  },
  (p, k) => {
    const [share, bessel, eps, momentum] = [p.share, p.bessel, p.eps, p.momentum].map((x) => k.local(f32x4.splat(x)));
    const blend = (running: ReturnType<typeof v128.load>, batch: ReturnType<typeof v128.load>) => {
      const held = k.local(running);
      return f32x4.add(held, f32x4.mul(momentum, f32x4.sub(batch, held)));
    };
    k.if(i32.eqz(p.begin), () => k.store(p.newCount, f32.add(f32.load(p.count), f32.const(1))));
    k.for({ from: p.begin, to: p.end }, (vector) => {
      const lane = k.local(vector.times(16));
      const away = k.local(f32x4.mul(totalOf(k, p, deviations, 0, lane), share));
      const squares = k.local(f32x4.mul(totalOf(k, p, deviations, 1, lane), share));
      const mean = k.local(f32x4.add(v128.load(p.shift.plus(lane)), away));
      const variance = k.local(f32x4.max(f32x4.sub(squares, f32x4.mul(away, away)), f32x4.const(0)));
      const spread = f32x4.max(f32x4.add(variance, eps), f32x4.const(LEAST_VARIANCE));
      const inverse = k.local(f32x4.div(f32x4.const(1), f32x4.sqrt(spread)));
      const a = k.local(f32x4.mul(v128.load(p.gamma.plus(lane)), inverse));
      k.store(p.a.plus(lane), a);
      k.store(p.c.plus(lane), k.nmadd(mean, a, v128.load(p.beta.plus(lane))));
      k.store(p.batchMean.plus(lane), mean);
      k.store(p.inverseStd.plus(lane), inverse);
      k.store(p.newMean.plus(lane), blend(v128.load(p.mean.plus(lane)), mean));
      k.store(p.newVariance.plus(lane), blend(v128.load(p.variance.plus(lane)), f32x4.mul(variance, bessel)));
    });
  },
);

export const batchNormTrain: Lower = (node, context) => {
  const [x, gamma, beta, mean, variance, count] = node.inputs.map((value) => context.at(value));
  const [y, batchMean, inverseStd, newMean, newVariance, newCount] = node.outputs.map((value) => context.at(value));
  const { eps, momentum } = node.attrs as { eps: number; momentum: number };
  const epilogue = epilogueOf(node, context, expressions);
  if (!epilogue) return undefined;
  const rows = rowsOf(node.inputs[0]);
  const { chunks, rowBytes } = rows;
  const vectors = rowBytes / 16;
  const partial = partialSums(context, rows, deviations.sums);
  const [shift, a, c] = [0, 1, 2].map(() => context.scratch(vectors * 4));
  const samples = Math.min(SAMPLES, rows.count);
  const stride = Math.floor(rows.count / samples) * rowBytes;
  const running = { gamma, beta, mean, variance, count, batchMean, inverseStd, newMean, newVariance, newCount };
  const factors = { share: 1 / rows.count, bessel: rows.count / (rows.count - 1), eps, momentum };
  return [
    step(sampleMean, vectors, { y: shift, x, samples, stride, share: 1 / samples }),
    reduceChannels(deviations, rows, partial, { x, shift }),
    step(finish, vectors, { partial, chunks, rowBytes, shift, a, c, ...running, ...factors }),
    affineStep(rows, { y, x, a, c }, epilogue),
  ];
};
