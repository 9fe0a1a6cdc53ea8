/**
 * Mitchell's logarithmic arithmetic on single-precision numbers (J. N. Mitchell 1962; for training: T. Mogami, arXiv 2012.03458).
 *
 * A number 2ⁿ · (1 + x), 0 ≤ x < 1, has log2 ≈ n + x, and the bits of a positive float read as an integer are (n + 127 + x) · 2²³: logarithm and
 * exponential cost nothing, and a product is one integer addition, |a|bits + |b|bits − 127 · 2²³, the signs' exclusive or beside it. The
 * result is at most the product and at least 8/9 of it (both mantissas 1.5).
 *
 * Where the method says nothing: an operand that is zero or subnormal, and a result below the least normal number, give +0; an infinite
 * operand beside a normal one, and a result from 2¹²⁸ on, give infinity with the signs' exclusive or; NaN, and infinity times zero, give NaN.
 */

const floats = new Float32Array(1);
const words = new Int32Array(floats.buffer);

const MAGNITUDE = 0x7fff_ffff;
const INFINITE = 0x7f80_0000;
const LEAST_NORMAL = 0x0080_0000;
/** The bits of 1: the exponent's bias. */
const ONE = 0x3f80_0000;
const MANTISSA_BITS = 23;

function bitsOf(x: number): number {
  floats[0] = x;
  return words[0];
}

function floatOf(bits: number): number {
  words[0] = bits;
  return floats[0];
}

/** n + x of |a| = 2ⁿ · (1 + x), rounded to single precision; −∞ for zeros and subnormal numbers, ∞ for infinities. */
export function mitchellLog2(a: number): number {
  const bits = bitsOf(a) & MAGNITUDE;
  if (bits >= INFINITE) return bits === INFINITE ? Number.POSITIVE_INFINITY : Number.NaN;
  return bits < LEAST_NORMAL ? Number.NEGATIVE_INFINITY : Math.fround((bits - ONE) / 2 ** MANTISSA_BITS);
}

/** 2ⁿ · (1 + x) for the logarithm n + x, its last bits cut off; 0 below −126, ∞ from 128 on. */
export function mitchellExp2(logarithm: number): number {
  if (Number.isNaN(logarithm)) return Number.NaN;
  const bits = Math.floor(logarithm * 2 ** MANTISSA_BITS) + ONE;
  if (bits < LEAST_NORMAL) return 0;
  return bits >= INFINITE ? Number.POSITIVE_INFINITY : floatOf(bits);
}

/** What a product with an operand that is zero, subnormal, infinite or NaN gives, or undefined where both are normal. */
function special(a: number, b: number, isNegative: boolean): number | undefined {
  const [larger, smaller] = [Math.max(a, b), Math.min(a, b)];
  if (larger > INFINITE) return Number.NaN;
  if (larger === INFINITE) {
    if (smaller < LEAST_NORMAL) return smaller === 0 ? Number.NaN : 0;
    return isNegative ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }
  return smaller < LEAST_NORMAL ? 0 : undefined;
}

/**
 * Mitchell's product of two single-precision numbers, from 8/9 of the true product to all of it. Zeros, subnormal operands and results below 2⁻¹²⁶
 * give +0; infinities and results from 2¹²⁸ on ±∞; NaN and ∞ · 0 NaN.
 */
export function mitchellProduct(a: number, b: number): number {
  const [left, right] = [bitsOf(a), bitsOf(b)];
  const isNegative = (left ^ right) < 0;
  const held = special(left & MAGNITUDE, right & MAGNITUDE, isNegative);
  if (held !== undefined) return held;
  const bits = (left & MAGNITUDE) + (right & MAGNITUDE) - ONE;
  if (bits < LEAST_NORMAL) return 0;
  const product = bits >= INFINITE ? Number.POSITIVE_INFINITY : floatOf(bits);
  return isNegative ? -product : product;
}

/**
 * ∂ mitchellProduct(a, b) / ∂a: the product is piecewise affine, with slope ±2ⁿ for b = ±2ⁿ · (1 + y), doubled where the mantissas' sum x + y
 * reaches 1. 0 where the product is 0 because b is; not defined (0) beside infinities.
 */
export function mitchellSlope(a: number, b: number): number {
  const [left, right] = [bitsOf(a) & MAGNITUDE, bitsOf(b) & MAGNITUDE];
  if (right < LEAST_NORMAL || right >= INFINITE || left >= INFINITE) return 0;
  const mantissas = (left & (LEAST_NORMAL - 1)) + (right & (LEAST_NORMAL - 1));
  const carries = left >= LEAST_NORMAL && mantissas >= LEAST_NORMAL ? 1 : 0;
  const slope = 2 ** ((right >> MANTISSA_BITS) - 127 + carries);
  return b < 0 ? -slope : slope;
}

const doubles = new Float64Array(1);
const halves = new Int32Array(doubles.buffer);
/** Which half of a double holds its exponent. */
const HIGH = new Uint8Array(Int32Array.of(1).buffer)[0] === 1 ? 1 : 0;
const LEAST = 2 ** -126;
const BEYOND = 2 ** 128;

/** n of |a| = 2ⁿ · (1 + x). */
function exponentOf(a: number): number {
  doubles[0] = a;
  return ((halves[HIGH] >> 20) & 0x7ff) - 1023;
}

/** True for numbers whose single-precision form is normal. */
function isNormal(magnitude: number): boolean {
  return magnitude >= LEAST && magnitude < BEYOND;
}

/** `mitchellProduct` with mantissas of double precision, for definitions in float64; equal to it where the operands are single-precision. */
export function wideMitchellProduct(a: number, b: number): number {
  const [left, right] = [Math.abs(a), Math.abs(b)];
  if (!isNormal(left) || !isNormal(right)) return mitchellProduct(a, b);
  const [n, m] = [exponentOf(left), exponentOf(right)];
  const sum = left / 2 ** n - 1 + (right / 2 ** m - 1);
  const product = sum < 1 ? 2 ** (n + m) * (1 + sum) : 2 ** (n + m + 1) * sum;
  const bounded = product < LEAST ? 0 : product >= BEYOND ? Number.POSITIVE_INFINITY : product;
  return a < 0 === b < 0 || bounded === 0 ? bounded : -bounded;
}

/** `mitchellSlope` with mantissas of double precision. */
export function wideMitchellSlope(a: number, b: number): number {
  const [left, right] = [Math.abs(a), Math.abs(b)];
  if (!isNormal(left) || !isNormal(right)) return mitchellSlope(a, b);
  const [n, m] = [exponentOf(left), exponentOf(right)];
  const slope = 2 ** (left / 2 ** n + right / 2 ** m >= 3 ? m + 1 : m);
  return b < 0 ? -slope : slope;
}
