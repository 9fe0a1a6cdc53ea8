/**
 * Counter-based randomness: element i of the stream (seed, purpose, step) is a pure function of those four values, so the order of
 * use, the number of threads and a resumed run change nothing. The mixing is the murmur3 finaliser over a Weyl sequence.
 */
export interface Stream {
  /** The i-th 32-bit word. */
  word(i: number): number;
  /** The i-th uniform number in [0, 1), a multiple of 2^-24 (exact in float32). */
  uniform(i: number): number;
  /** The i-th integer in [0, below). */
  integer(i: number, below: number): number;
  /** The i-th standard normal number (Box–Muller over words 2i and 2i + 1). */
  normal(i: number): number;
}

/** FNV-1a over the UTF-8 bytes of a name, 32 bits. */
export function hashName(name: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** The murmur3 32-bit finaliser. */
export function mix32(word: number): number {
  let h = word;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

const WEYL = 0x9e3779b9;

/** The stream of (seed, purpose, step). */
export function random(seed: number, purpose: string, step = 0): Stream {
  const low = mix32(mix32((seed >>> 0) ^ hashName(purpose)) + step);
  const high = mix32(low ^ Math.imul(Math.floor(seed / 4294967296) + 1, WEYL));
  const word = (i: number): number => mix32(mix32((low + Math.imul(i, WEYL)) | 0) ^ high);
  const uniform = (i: number): number => (word(i) >>> 8) / 16777216;
  return {
    word,
    uniform,
    integer: (i, below) => Math.floor((word(i) / 4294967296) * below),
    normal: (i) => Math.sqrt(-2 * Math.log(1 - uniform(2 * i))) * Math.cos(2 * Math.PI * uniform(2 * i + 1)),
  };
}

/** A permutation of 0 … count − 1 (Fisher–Yates), the same for the same stream. */
export function permutation(stream: Stream, count: number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = stream.integer(i, i + 1);
    const held = order[i];
    order[i] = order[j];
    order[j] = held;
  }
  return order;
}
