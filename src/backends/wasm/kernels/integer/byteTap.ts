/**
 * The tap of products of bytes: a word of a pixel is four channels of 7 bits, a vector of weights four outputs of four channels. With relaxed
 * SIMD a tap adds all sixteen products at once, or pairs of them, in sums of 16 bits that no such pair exceeds, and then pairs of pairs:
 * the faster of the two here (features.ts). Where it is pairs, those of several words are added up before they are widened. Without relaxed
 * SIMD, bytes are widened to 16 bits, and each output's sum is kept in two halves.
 */
import type { IntegerSimilarity } from "../../../../ops/integerConv2d.ts";
import { BLOCK_CHANNELS } from "../../../../ops/integerSums.ts";
import { type Code, i8x16, i16x8, i32x4, lanes32, type V128, v128 } from "../../assembler.ts";
import { hasWholeDot } from "../../features.ts";
import type { Tap, TapCode } from "../taps.ts";

const itself = (x: V128): V128 => x;
const none = { own: itself, finish: itself };

function relaxedTap(k: Code): TapCode {
  if (hasWholeDot()) return { ...none, add: (sum, a, b) => k.dotFours(b, a, sum) };
  const ones = k.local(v128.const32(0x1_0001, 0x1_0001, 0x1_0001, 0x1_0001));
  return { ...none, add: (sum, a, b) => i32x4.add(sum, i32x4.dot(k.dotPairs(b, a), ones)) };
}

const plainTap: TapCode = {
  ...none,
  split: (weight) => [i16x8.extendLowS(weight), i16x8.extendHighS(weight)],
  spread: i16x8.extendLowU,
  add: (sum, a, b) => i32x4.add(sum, i32x4.dot(b, a)),
  rows: 2,
};

/** Distances |a − b| of bytes, subtracted four at a time; lanes without a weight are masked. */
function relaxedDistance(k: Code): TapCode {
  const ones = k.local(v128.const32(0x101_0101, 0x101_0101, 0x101_0101, 0x101_0101));
  const shorts = k.local(v128.const32(0x1_0001, 0x1_0001, 0x1_0001, 0x1_0001));
  return {
    ...none,
    add(sum, a, b, _own, mask) {
      const distance = i8x16.sub(i8x16.maxU(a, b), i8x16.minU(a, b));
      return i32x4.sub(sum, i32x4.dot(k.dotPairs(ones, mask ? v128.and(distance, mask) : distance), shorts));
    },
  };
}

function plainDistance(k: Code): TapCode {
  const shorts = k.local(v128.const32(0x1_0001, 0x1_0001, 0x1_0001, 0x1_0001));
  return {
    ...plainTap,
    add(sum, a, b, _own, mask) {
      const distance = i16x8.abs(i16x8.sub(a, b));
      return i32x4.sub(sum, i32x4.dot(mask ? v128.and(distance, mask) : distance, shorts));
    },
  };
}

/** −Σ |x − w| of bytes of 7 bits. */
const distances: Tap = {
  key: " byte distances",
  isProduct: false,
  hasOwn: false,
  isZeroNeutral: false,
  mostRows: 4,
  begin: (k) => (k.isRelaxed ? relaxedDistance(k) : plainDistance(k)),
};

/** Products of bytes. */
const products: Tap = {
  key: " bytes",
  isProduct: true,
  hasOwn: false,
  isZeroNeutral: true,
  mostRows: 5,
  begin: (k) => (k.isRelaxed ? relaxedTap(k) : plainTap),
};

/** Products of bytes whose pairs add up in sums of 16 bits over BLOCK_CHANNELS channels, where the processor has nothing better. */
const blockedProducts: Tap = {
  ...products,
  key: " blocks of bytes",
  mostRows: 4,
  begin(k) {
    if (!k.isRelaxed || hasWholeDot()) return products.begin(k);
    const ones = k.local(v128.const32(0x1_0001, 0x1_0001, 0x1_0001, 0x1_0001));
    return {
      ...products.begin(k),
      block: {
        words: BLOCK_CHANNELS / 4,
        add: (short, a, b) => (short ? i16x8.add(short, k.dotPairs(b, a)) : k.dotPairs(b, a)),
        close: (sum, short) => i32x4.add(sum, i32x4.dot(short, ones)),
      },
    };
  },
};

/** The tap of a layer of bytes; `isBlocked` where every word of a run holds channels of one tap, from its first on. */
export function byteTap(similarity: IntegerSimilarity, isBlocked: boolean): Tap {
  if (similarity === "l1") return distances;
  return isBlocked ? blockedProducts : products;
}

/** The sums of a tile by these taps, two vectors of four outputs a row. */
export function wholeSums(k: Code, sums: readonly V128[]): readonly V128[] {
  if (k.isRelaxed) return sums;
  return Array.from({ length: sums.length / 2 }, (_, i) => {
    const [low, high] = [sums[2 * i], sums[2 * i + 1]];
    return i32x4.add(v128.shuffle(low, high, lanes32(0, 2, 4, 6)), v128.shuffle(low, high, lanes32(1, 3, 5, 7)));
  });
}
