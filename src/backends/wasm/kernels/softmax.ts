/**
 * Softmax over the classes of each row, its gradient, and the cross-entropy against given probabilities. A unit is a row; the lanes behind
 * the last class are masked out of maxima and sums. e^(x − max) is at most 1, so sums never overflow.
 */
import { type Code, type Expr, f32, f32x4, i32, i32x4, type Local, type V128, v128 } from "../assembler.ts";
import { type Lower, step } from "../kernel.ts";
import { pad4 } from "../layout.ts";
import { wasmKernel } from "../module.ts";
import { exponential, logarithm } from "./exp.ts";

/** Loops over the vectors of a row; `mask` is set in lanes that hold a class. */
function eachVector(k: Code, classes: Local<"i32">, visit: (at: Local<"i32">, mask: V128) => void): void {
  const lanes = k.local(v128.const32(0, 1, 2, 3));
  k.for({ to: classes.times(4), step: 16 }, (at) => {
    const left = i32x4.splat(classes.minus(i32.shr(at, 2)));
    visit(at, i32x4.gt(left, lanes));
  });
}

/** The sum (or other fold) of four lanes. */
function fold(combine: (a: Expr<"f32">, b: Expr<"f32">) => Expr<"f32">, v: Local<"v128">): Expr<"f32"> {
  return combine(combine(f32.lane(v, 0), f32.lane(v, 1)), combine(f32.lane(v, 2), f32.lane(v, 3)));
}

const sumOf = (v: Local<"v128">): Expr<"f32"> => fold(f32.add, v);

/** Writes a row's probabilities to y; returns its maximum and the sum of exponentials. */
function softmaxRow(
  k: Code,
  exp: (x: V128) => V128,
  x: Local<"i32">,
  y: Local<"i32">,
  classes: Local<"i32">,
): { readonly most: Local<"v128">; readonly sum: Local<"f32"> } {
  const least = k.local(f32x4.const(Number.NEGATIVE_INFINITY));
  const most = k.local(least);
  eachVector(k, classes, (at, mask) => most.set(f32x4.max(most, v128.select(mask, v128.load(x.plus(at)), least))));
  most.set(f32x4.splat(fold(f32.max, most)));
  const sums = k.local(f32x4.const(0));
  eachVector(k, classes, (at, mask) => {
    const power = k.local(v128.and(exp(f32x4.sub(v128.load(x.plus(at)), most)), mask));
    k.store(y.plus(at), power);
    sums.set(f32x4.add(sums, power));
  });
  const sum = k.local(sumOf(sums));
  const total = k.local(f32x4.splat(sum));
  eachVector(k, classes, (at) => k.store(y.plus(at), f32x4.div(v128.load(y.plus(at)), total)));
  return { most, sum };
}

const softmaxRows = wasmKernel("softmax", { y: "i32", x: "i32", classes: "i32", row: "i32" }, (a, k) => {
  const exp = exponential(k);
  k.for({ from: a.begin, to: a.end }, (unit) => {
    const start = k.local(unit.times(a.row));
    softmaxRow(k, exp, k.local(a.x.plus(start)), k.local(a.y.plus(start)), a.classes);
  });
});

export const softmax: Lower = (node, context) => {
  const [n, classes] = node.inputs[0].shape;
  const [y, x] = [context.at(node.outputs[0]), context.at(node.inputs[0])];
  return [step(softmaxRows, n, { y, x, classes, row: pad4(classes) * 4 })];
};

const gradientRows = wasmKernel("softmaxGradient", { dx: "i32", dy: "i32", y: "i32", classes: "i32", row: "i32" }, (a, k) => {
  k.for({ from: a.begin, to: a.end }, (unit) => {
    const [dx, dy, y] = [a.dx, a.dy, a.y].map((pointer) => k.local(pointer.plus(unit.times(a.row))));
    const sums = k.local(f32x4.const(0));
    eachVector(k, a.classes, (at, mask) => {
      sums.set(f32x4.add(sums, v128.and(f32x4.mul(v128.load(dy.plus(at)), v128.load(y.plus(at))), mask)));
    });
    const dot = k.local(f32x4.splat(sumOf(sums)));
    eachVector(k, a.classes, (at, mask) => {
      k.store(dx.plus(at), v128.and(f32x4.mul(v128.load(y.plus(at)), f32x4.sub(v128.load(dy.plus(at)), dot)), mask));
    });
  });
});

export const softmaxGradient: Lower = (node, context) => {
  const [n, classes] = node.inputs[0].shape;
  const [dy, y] = node.inputs.map((value) => context.at(value));
  return [step(gradientRows, n, { dx: context.at(node.outputs[0]), dy, y, classes, row: pad4(classes) * 4 })];
};

const lossFields = {
  losses: "i32",
  y: "i32",
  x: "i32",
  target: "i32",
  classes: "i32",
  row: "i32",
  smoothing: "f32",
  inverseClasses: "f32",
} as const;

/** Probabilities of a row, and Σ t · (log Σ eˣ − x) with smoothed targets t. */
const lossRows = wasmKernel("softmaxCrossEntropy", lossFields, (a, k) => {
  const exp = exponential(k);
  const log = logarithm(k);
  const kept = k.local(f32x4.splat(f32.sub(f32.const(1), a.smoothing)));
  k.for({ from: a.begin, to: a.end }, (unit) => {
    const [x, y, target] = [a.x, a.y, a.target].map((pointer) => k.local(pointer.plus(unit.times(a.row))));
    const { most, sum } = softmaxRow(k, exp, x, y, a.classes);
    const logSum = k.local(f32x4.add(most, log(f32x4.splat(sum))));
    const [weight, own, even] = [0, 1, 2].map(() => k.local(f32x4.const(0)));
    eachVector(k, a.classes, (at, mask) => {
      const t = k.local(v128.and(v128.load(target.plus(at)), mask));
      const surprise = k.local(v128.and(f32x4.sub(logSum, v128.load(x.plus(at))), mask));
      weight.set(f32x4.add(weight, t));
      own.set(f32x4.add(own, f32x4.mul(t, surprise)));
      even.set(f32x4.add(even, surprise));
    });
    const spread = f32.mul(f32.mul(a.smoothing, a.inverseClasses), sumOf(weight));
    const loss = f32.add(f32.mul(f32.lane(kept, 0), sumOf(own)), f32.mul(spread, sumOf(even)));
    k.store(a.losses.plus(unit.times(4)), loss);
  });
});

/** The mean of n numbers, added in order. */
const meanOf = wasmKernel("mean of losses", { y: "i32", x: "i32", n: "i32" }, ({ y, x, n }, k) => {
  const sum = k.local(f32.const(0));
  k.for({ to: n.times(4), step: 4 }, (at) => sum.set(f32.add(sum, f32.load(x.plus(at)))));
  k.store(y, f32.div(sum, f32.fromI32(n)));
});

export const softmaxCrossEntropy: Lower = (node, context) => {
  const [n, classes] = node.inputs[0].shape;
  const { smoothing } = node.attrs as { smoothing: number };
  const [x, target] = node.inputs.map((value) => context.at(value));
  const [loss, y] = node.outputs.map((value) => context.at(value));
  const losses = context.scratch(pad4(n));
  const factors = { smoothing, inverseClasses: 1 / classes };
  return [
    step(lossRows, n, { losses, y, x, target, classes, row: pad4(classes) * 4, ...factors }),
    step(meanOf, 1, { y: loss, x: losses, n }),
  ];
};

const slopeFields = {
  dx: "i32",
  y: "i32",
  target: "i32",
  dloss: "i32",
  classes: "i32",
  row: "i32",
  smoothing: "f32",
  inverseClasses: "f32",
  share: "f32",
} as const;

/** dx = (y · Σt − smoothed t) · dloss / n; `share` is 1 / n. */
const slopeRows = wasmKernel("softmaxCrossEntropyGradient", slopeFields, (a, k) => {
  const kept = k.local(f32x4.splat(f32.sub(f32.const(1), a.smoothing)));
  const scale = k.local(f32x4.splat(f32.mul(f32.load(a.dloss), a.share)));
  k.for({ from: a.begin, to: a.end }, (unit) => {
    const [dx, y, target] = [a.dx, a.y, a.target].map((pointer) => k.local(pointer.plus(unit.times(a.row))));
    const sums = k.local(f32x4.const(0));
    eachVector(k, a.classes, (at, mask) => sums.set(f32x4.add(sums, v128.and(v128.load(target.plus(at)), mask))));
    const weight = k.local(f32x4.splat(sumOf(sums)));
    const spread = k.local(f32x4.mul(weight, f32x4.splat(f32.mul(a.smoothing, a.inverseClasses))));
    eachVector(k, a.classes, (at, mask) => {
      const smoothed = f32x4.add(f32x4.mul(v128.load(target.plus(at)), kept), spread);
      const slope = f32x4.mul(f32x4.sub(f32x4.mul(v128.load(y.plus(at)), weight), smoothed), scale);
      k.store(dx.plus(at), v128.and(slope, mask));
    });
  });
});

export const softmaxCrossEntropyGradient: Lower = (node, context) => {
  const [n, classes] = node.inputs[0].shape;
  const { smoothing } = node.attrs as { smoothing: number };
  const [y, target, dloss] = node.inputs.map((value) => context.at(value));
  const factors = { smoothing, inverseClasses: 1 / classes, share: 1 / n };
  return [step(slopeRows, n, { dx: context.at(node.outputs[0]), y, target, dloss, classes, row: pad4(classes) * 4, ...factors })];
};
