/**
 * What one tap does to a sum, on four lanes: the part in which the kernels of the similarities differ. Each emitter (gemm.ts, outerSums.ts,
 * depthwise*.ts) takes a tap; a new similarity is a few lines here.
 *
 * Products: one multiply–add.
 *
 * L1 distance: subtract, clear the sign, subtract from the sum. The last step is written as a multiply–add with ones where that is fused: sums
 * and comparisons share two ports of common processors, multiply–adds have two of their own. The identity Σ|x − w| = 2 Σ max(x, w) − Σx − Σw
 * would save an instruction, but loses digits where |x| and |w| are much larger than their distance; this form loses none.
 *
 * Mitchell: products are sums of bit patterns, |a|bits + |b|bits − bits of 1, signs included. So that no sum of two operands leaves the normal
 * numbers, operands are prepared (operands.ts): magnitudes are kept within [2⁻⁶³, 2⁶⁴), one of the two with the bits of 1 taken off. A zero
 * thus counts as ±2⁻⁶³, far below a rounding of any sum worth having, and a tap costs one integer addition and one addition.
 *
 * The gradient of AdderNet's input, Σ dy · clip(w − x), and those of Mitchell's piecewise affine product, Σ dy · slope(x, w), read a third
 * operand that lies where the sum does ("own": x for dx, w for dw). The slope ±2^(e(w) + carry) is the product's pattern without mantissa,
 * ±2^(e(x) + e(w) + carry), divided by 2^e(x), which is one multiplication at the end of the sum.
 */
import { gradientName, type Similar, type Similarity } from "../../../ops/similarity.ts";
import { type Code, f32x4, i32x4, type V128, v128 } from "../assembler.ts";

/** A change that an operand needs before a tap reads it; `key` tells kernels and packed weights apart. */
export interface Preparation {
  readonly key: string;
  /** Called once where a kernel begins, to put constants into locals. */
  begin(k: Code): (x: V128) => V128;
}

/** The arithmetic of a tap, its constants in locals. */
export interface TapCode {
  /** The sum with one tap more: `a` is the pixel (or the gradient), `b` the weight (or what lies in its place); `mask` is 0 where there is no b. */
  add(sum: V128, a: V128, b: V128, own: V128 | undefined, mask: V128 | undefined): V128;
  /** The third operand as `add` takes it. */
  own(x: V128): V128;
  /** A vector of weights as the operands of `add`, each with a sum of its own; default: itself. */
  split?(weight: V128): readonly V128[];
  /** What was loaded of a pixel as `add` takes it. */
  spread?(x: V128): V128;
  /** Rows whose sums fit the registers, where they are fewer than `mostRows`. */
  readonly rows?: number;
  /** What adds up several words of a run in short sums before they go into the long ones. */
  readonly block?: BlockCode;
  finish(sum: V128, own: V128 | undefined): V128;
}

/** Taps of so many words, whose sums are short. */
export interface BlockCode {
  readonly words: number;
  /** The short sum with a word more; the first word has none yet. */
  add(short: V128 | undefined, a: V128, b: V128): V128;
  /** The long sum with a short one more. */
  close(sum: V128, short: V128): V128;
}

/** One kind of tap. */
export interface Tap {
  /** Part of kernels' keys, "" for the product. */
  readonly key: string;
  /** The ordinary product: kernels that know nothing of taps serve it, too. */
  readonly isProduct: boolean;
  readonly hasOwn: boolean;
  /** A weight of zero leaves the sum as it is, so packed weights may be filled up with zeros; otherwise they are masked. */
  readonly isZeroNeutral: boolean;
  /** Pixels in a tile of a matrix product, as many as fit the registers. */
  readonly mostRows: number;
  readonly a?: Preparation;
  readonly b?: Preparation;
  begin(k: Code): TapCode;
}

const splat = (k: Code, word: number): V128 => k.local(v128.const32(word, word, word, word));
const itself = (x: V128): V128 => x;

/** Bits of 1, of 2⁻⁶³ and of the largest number below 2⁶⁴. */
const ONE = 0x3f80_0000;
const LEAST = 0x2000_0000;
const MOST = 0x5f7f_ffff;
const MAGNITUDE = 0x7fff_ffff;
const SIGN = 0x8000_0000 | 0;
const EXPONENT = 0x7f80_0000;

/** Magnitudes within [2⁻⁶³, 2⁶⁴), signs kept. */
const bounded: Preparation = {
  key: "bounded",
  begin(k) {
    const [sign, magnitude, least, most] = [SIGN, MAGNITUDE, LEAST, MOST].map((word) => splat(k, word));
    return (x) => v128.or(v128.and(x, sign), i32x4.min(i32x4.max(v128.and(x, magnitude), least), most));
  },
};

/** The same with the bits of 1 taken off. */
const biased: Preparation = {
  key: "biased",
  begin(k) {
    const bound = bounded.begin(k);
    const one = splat(k, ONE);
    return (x) => i32x4.sub(bound(x), one);
  },
};

/** Σ a · b. */
export const productTap: Tap = {
  key: "",
  isProduct: true,
  hasOwn: false,
  isZeroNeutral: true,
  // 10 sums, 2 weight vectors, 1 input vector and, without relaxed SIMD, 1 product fit the 16 registers of x86-64.
  mostRows: 5,
  begin: (k) => ({ add: (sum, a, b) => k.madd(a, b, sum), own: itself, finish: itself }),
};

/** −Σ |a − b|. */
const distance: Tap = {
  key: " distance",
  isProduct: false,
  hasOwn: false,
  isZeroNeutral: false,
  mostRows: 4,
  begin(k) {
    const magnitude = splat(k, MAGNITUDE);
    const one = k.isRelaxed ? k.local(f32x4.const(1)) : undefined;
    const subtract = (sum: V128, x: V128): V128 => (one ? k.nmadd(x, one, sum) : f32x4.sub(sum, x));
    return {
      add: (sum, a, b, _own, mask) => subtract(sum, v128.and(f32x4.sub(a, b), mask ? v128.and(mask, magnitude) : magnitude)),
      own: itself,
      finish: itself,
    };
  },
};

/** Σ a · clip(b − own, −1, 1). */
const clippedDifference: Tap = {
  key: " clipped difference",
  isProduct: false,
  hasOwn: true,
  isZeroNeutral: false,
  mostRows: 2,
  begin(k) {
    const [one, minus] = [1, -1].map((x) => k.local(f32x4.const(x)));
    return {
      add(sum, a, b, own, mask) {
        // A difference by multiply–add leaves the ports of comparisons free.
        const difference = k.isRelaxed ? k.madd(own as V128, minus, b) : f32x4.sub(b, own as V128);
        const clipped = f32x4.pmin(f32x4.pmax(difference, minus), one);
        return k.madd(a, mask ? v128.and(clipped, mask) : clipped, sum);
      },
      own: itself,
      finish: itself,
    };
  },
};

/** Σ of Mitchell's products. */
const mitchell: Tap = {
  key: " mitchell",
  isProduct: false,
  hasOwn: false,
  isZeroNeutral: true,
  mostRows: 5,
  a: bounded,
  b: biased,
  begin: () => ({ add: (sum, a, b) => f32x4.add(sum, i32x4.add(a, b)), own: itself, finish: itself }),
};

/** Σ a · slope(own, b) of Mitchell's product. */
const mitchellSlopes: Tap = {
  key: " mitchell slopes",
  isProduct: false,
  hasOwn: true,
  isZeroNeutral: true,
  mostRows: 2,
  b: biased,
  begin(k) {
    const [magnitude, least, most, one] = [MAGNITUDE, LEAST, MOST, ONE].map((word) => splat(k, word));
    const [signed, exponent] = [SIGN | EXPONENT, EXPONENT].map((word) => splat(k, word));
    const inverse = splat(k, 2 * ONE);
    return {
      add: (sum, a, b, own) => k.madd(a, v128.and(i32x4.add(own as V128, b), signed), sum),
      // A number that is too small has no mantissa worth adding: it counts as 1.
      own(x) {
        const held = k.local(v128.and(x, magnitude));
        return v128.select(i32x4.gt(least, held), one, i32x4.min(held, most));
      },
      finish: (sum, own) => f32x4.mul(sum, i32x4.sub(inverse, v128.and(own as V128, exponent))),
    };
  },
};

/** The taps of one gradient of a similarity. */
interface GradientTaps {
  readonly input: Tap;
  readonly weight: Tap;
  /** The weight's gradient is Σ dy · (x − w): the product's less w · Σ dy. */
  readonly isWeightSubtracted?: true;
}

const ofProducts: GradientTaps = { input: productTap, weight: productTap };

/** By similarity, and by gradient. */
const taps: Readonly<Record<Similarity, { readonly forward: Tap; readonly gradients: Readonly<Record<string, GradientTaps>> }>> = {
  product: { forward: productTap, gradients: { exact: ofProducts } },
  l1: { forward: distance, gradients: { adder: { input: clippedDifference, weight: productTap, isWeightSubtracted: true } } },
  mitchell: {
    forward: mitchell,
    gradients: {
      approx: { input: mitchell, weight: mitchell },
      exact: { input: mitchellSlopes, weight: mitchellSlopes },
      ste: ofProducts,
    },
  },
};

/** The tap of a convolution or linear layer; the product's where the attributes name no similarity. */
export function forwardTap({ similarity = "product" }: Partial<Similar>): Tap {
  return taps[similarity].forward;
}

/** The taps of its gradients. */
export function gradientTaps({ similarity = "product", gradient }: Partial<Similar>): GradientTaps {
  return taps[similarity].gradients[gradientName({ similarity, gradient })];
}
