/**
 * exp and log on four lanes, to within two units in the last place, and what the logistic function divides by.
 *
 *   exp(x) = 2^n · e^r,  n = round(x / ln 2),  |r| ≤ ln 2 / 2;  ln 2 is subtracted in two parts, the first exact for every n.
 *   log(x) = n · ln 2 + log(m),  m in [√½, √2);  log(m) = z − z²/2 + z³ · P(z) with z = m − 1.
 *
 * Polynomials are near-minimax; the coefficients of log are those of the Cephes library (logf).
 */
import { type Code, f32x4, i32x4, type V128, v128 } from "../assembler.ts";

/** Adding this float leaves round(x) in the low bits of the sum, in two's complement. */
const ROUNDER = 12582912;
const LN2_HIGH = 0.693359375;
const LN2_LOW = -2.1219444e-4;

/** Σ c[i] · x^i by Horner's rule, highest coefficient first in `coefficients`. */
function horner(k: Code, x: V128, coefficients: readonly V128[]): V128 {
  return coefficients.reduce((sum, coefficient) => k.madd(sum, x, coefficient));
}

/** Constants in locals, so that loops do not rebuild them. */
function constants(k: Code, values: readonly number[]): V128[] {
  return values.map((value) => k.local(f32x4.const(value)));
}

/**
 * Call at kernel entry; the result maps x to e^x. NaN stays NaN, above 88.7 is infinity, below −86.6 stays at 2^-125.
 */
export function exponential(k: Code): (x: V128) => V128 {
  const [least, most, log2e, rounder, high, low] = constants(k, [-86.6, 89, Math.LOG2E, ROUNDER, LN2_HIGH, LN2_LOW]);
  const coefficients = constants(k, [1 / 5040, 1 / 720, 1 / 120, 1 / 24, 1 / 6, 1 / 2, 1, 1]);
  const bias = k.local(i32x4.splat(126 << 23));
  return (x) => {
    const held = k.local(f32x4.pmin(f32x4.pmax(x, least), most));
    const rounded = k.local(k.madd(held, log2e, rounder));
    const n = k.local(f32x4.sub(rounded, rounder));
    const r = k.local(k.nmadd(n, low, k.nmadd(n, high, held)));
    const fraction = k.local(horner(k, r, coefficients));
    // 2^(n − 1), then twice: n itself reaches 128.
    const scale = i32x4.add(i32x4.shl(rounded, 23), bias);
    return f32x4.mul(f32x4.add(fraction, fraction), scale);
  };
}

/**
 * Call at kernel entry; the result maps x to 1 + e^−x, to within three units in the last place; beyond ±87 as there. NaN stays NaN. It is most of the
 * time of layers that end in a sigmoid or SiLU, hence the shorter way: e^−x = 2^n · P(r) with −x = n · ln 2 − r, and one multiply–add for scale and sum.
 */
export function logisticDenominator(k: Code): (x: V128) => V128 {
  // The rounder also adds the exponent's bias, so that the sum's low bits are those of 2^n.
  const [least, most, log2e, rounder, high, low, one] = constants(k, [-87, 87, -Math.LOG2E, ROUNDER + 127, LN2_HIGH, LN2_LOW, 1]);
  const coefficients = constants(
    k,
    [-0.008290143683552742, 0.04189885035157204, -0.16667644679546356, 0.49999141693115234, -0.9999997019767761],
  );
  return (x) => {
    const held = k.local(f32x4.pmin(f32x4.pmax(x, least), most));
    const biased = k.local(k.madd(held, log2e, rounder));
    const n = k.local(f32x4.sub(biased, rounder));
    const r = k.local(k.madd(n, low, k.madd(n, high, held)));
    const fraction = k.madd(horner(k, r, coefficients), r, one);
    return k.madd(fraction, i32x4.shl(biased, 23), one);
  };
}

/** Call at kernel entry; the result maps a positive normal x to its natural logarithm. */
export function logarithm(k: Code): (x: V128) => V128 {
  const coefficients = constants(
    k,
    [
      7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1,
      -2.4999993993e-1, 3.3333331174e-1,
    ],
  );
  const [one, half, root, high, low] = constants(k, [1, 0.5, Math.SQRT2, LN2_HIGH, LN2_LOW]);
  return (x) => {
    const bits = k.local(x);
    const exponent = k.local(f32x4.fromI32x4(i32x4.sub(i32x4.shrU(bits, 23), i32x4.splat(127))));
    const significand = k.local(v128.or(v128.and(bits, i32x4.splat(0x7fffff)), i32x4.splat(0x3f800000)));
    const isLarge = k.local(f32x4.ge(significand, root));
    const n = k.local(f32x4.add(exponent, v128.and(isLarge, one)));
    const z = k.local(f32x4.sub(v128.select(isLarge, f32x4.mul(significand, half), significand), one));
    const square = k.local(f32x4.mul(z, z));
    const tail = k.local(f32x4.mul(f32x4.mul(square, z), horner(k, z, coefficients)));
    const small = k.local(k.nmadd(square, half, k.madd(n, low, tail)));
    return k.madd(n, high, f32x4.add(z, small));
  };
}
