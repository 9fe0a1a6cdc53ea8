/** The arithmetic of elementwise ops on four lanes, by op name. Each must agree with the op's reference. */
import type { Affine } from "../../../ops/affine.ts";
import type { Clip } from "../../../ops/clip.ts";
import type { Grid } from "../../../ops/fakeQuantise.ts";
import { type Code, f32, f32x4, type V128, v128 } from "../assembler.ts";
import type { Expression, ExpressionTable } from "../epilogue.ts";
import { logisticDenominator } from "./exp.ts";

const constant = (k: Code, x: number): V128 => k.local(f32x4.const(x));

/**
 * The larger (smaller) of x and a bound: one instruction, where `max` and `min` take eight for the sake of signed zeros. It keeps the NaNs of
 * its first operand, so x comes first.
 */
const atLeast = f32x4.pmax;
const atMost = f32x4.pmin;

const relu: Expression = (k) => {
  const zero = constant(k, 0);
  return (x) => atLeast(x, zero);
};

const reluGradient: Expression = (k) => {
  const zero = constant(k, 0);
  return (dy, y) => v128.and(dy, f32x4.gt(y, zero));
};

const relu6: Expression = (k) => {
  const zero = constant(k, 0);
  const six = constant(k, 6);
  return (x) => atMost(atLeast(x, zero), six);
};

const relu6Gradient: Expression = (k) => {
  const zero = constant(k, 0);
  const six = constant(k, 6);
  return (dy, y) => v128.and(dy, v128.and(f32x4.gt(y, zero), f32x4.lt(y, six)));
};

const affine: Expression = (k, attrs) => {
  const [scale, shift] = [(attrs as Affine).scale, (attrs as Affine).shift].map((x) => constant(k, x));
  return (x) => k.madd(x, scale, shift);
};

const clip: Expression = (k, attrs) => {
  const [low, high] = [(attrs as Clip).low, (attrs as Clip).high].map((x) => constant(k, x));
  return (x) => atMost(atLeast(x, low), high);
};

/** min(max(x / 6 + 1/2, 0), 1). */
const hardSigmoid: Expression = (k) => {
  const [zero, half, one, sixth] = [0, 0.5, 1, 1 / 6].map((x) => constant(k, x));
  return (x) => atMost(atLeast(k.madd(x, sixth, half), zero), one);
};

const hardSigmoidGradient: Expression = (k) => {
  const [three, sixth] = [3, 1 / 6].map((x) => constant(k, x));
  return (dy, x) => v128.and(f32x4.mul(dy, sixth), f32x4.lt(f32x4.abs(x), three));
};

const hardSwish: Expression = (k) => {
  const gate = hardSigmoid(k, {});
  return (x) => f32x4.mul(x, gate(x));
};

/** 0 up to −3, 1 from 3 on, x / 3 + 1/2 between. */
const hardSwishGradient: Expression = (k) => {
  const [low, high, third, half, one] = [-3, 3, 1 / 3, 0.5, 1].map((x) => constant(k, x));
  return (dy, x) => {
    const slope = v128.select(f32x4.ge(x, high), one, k.madd(x, third, half));
    return v128.and(f32x4.mul(dy, slope), f32x4.gt(x, low));
  };
};

const sigmoid: Expression = (k) => {
  const denominator = logisticDenominator(k);
  const one = constant(k, 1);
  return (x) => f32x4.div(one, denominator(x));
};

/** Reads y: dy · y · (1 − y). */
const sigmoidGradient: Expression = (k) => {
  const one = constant(k, 1);
  return (dy, y) => f32x4.mul(dy, f32x4.mul(y, f32x4.sub(one, y)));
};

const silu: Expression = (k) => {
  const denominator = logisticDenominator(k);
  return (x) => f32x4.div(x, denominator(x));
};

/** s · (1 + x · (1 − s)), s = sigmoid(x). */
const siluGradient: Expression = (k) => {
  const gate = sigmoid(k, {});
  const one = constant(k, 1);
  return (dy, x) => {
    const s = k.local(gate(x));
    return f32x4.mul(dy, f32x4.mul(s, k.madd(x, f32x4.sub(one, s), one)));
  };
};

const dropout: Expression = (k, attrs) => {
  const { rate } = attrs as { rate: number };
  const least = constant(k, rate);
  const scale = k.local(f32x4.splat(f32.const(1 / (1 - rate))));
  return (x, noise) => v128.and(f32x4.mul(x, scale), f32x4.ge(noise, least));
};

const add: Expression = () => (a, b) => f32x4.add(a, b);
const multiply: Expression = () => (a, b) => f32x4.mul(a, b);

const maximum: Expression = () => (a, b) => f32x4.pmax(a, b);

const maximumGradient: Expression = (_k, attrs) => {
  const isSecond = (attrs as { of: string }).of === "second";
  return (dy, a, b) => (isSecond ? v128.and(dy, f32x4.gt(b, a)) : v128.andNot(dy, f32x4.gt(b, a)));
};

/** Steps of the grid are whole numbers until they are made floats of again. */
const fakeQuantise: Expression = (k, attrs) => {
  const { scale, zero, low, high } = attrs as Grid;
  const [perStep, half, least, most, step] = [1 / scale, zero + 0.5, low, high, scale].map((x) => constant(k, x));
  const middle = constant(k, zero);
  return (x) => {
    const place = f32x4.floor(f32x4.add(f32x4.mul(x, perStep), half));
    return f32x4.mul(f32x4.sub(atMost(atLeast(place, least), most), middle), step);
  };
};

const fakeQuantiseGradient: Expression = (k, attrs) => {
  const { scale, zero, low, high } = attrs as Grid;
  const [perStep, least, most] = [1 / scale, low - zero - 0.5, high - zero + 0.5].map((x) => constant(k, x));
  return (dy, x) => {
    const place = k.local(f32x4.mul(x, perStep));
    return v128.and(dy, v128.and(f32x4.ge(place, least), f32x4.lt(place, most)));
  };
};

export const expressions: ExpressionTable = {
  add,
  affine,
  clip,
  dropout,
  fakeQuantise,
  fakeQuantiseGradient,
  hardSigmoid,
  hardSigmoidGradient,
  hardSwish,
  hardSwishGradient,
  maximum,
  maximumGradient,
  multiply,
  relu,
  relu6,
  relu6Gradient,
  reluGradient,
  sigmoid,
  sigmoidGradient,
  silu,
  siluGradient,
};
