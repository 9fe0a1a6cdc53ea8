import { f32x4, i32x4, v128 } from "./assembler.ts";
import { type KernelSource, wasmKernel, writeModule } from "./module.ts";

const fields = { y: "i32", x: "i32" } as const;
const [X, Y] = [3072, 4096];

const probe = wasmKernel("probe", fields, ({ y, x }, k) => {
  const value = k.local(v128.load(x));
  const [weights, pixels] = [16, 32].map((at) => k.local(v128.load(x, at)));
  k.store(y, k.madd(value, value, f32x4.neg(value)));
  k.store(y, k.dotPairs(weights, pixels), 16);
  k.store(y, k.dotFours(weights, pixels, value), 32);
  k.store(y, k.truncate(value), 48);
  k.store(y, k.multiplyHigh(weights, pixels), 64);
  const [places, mask] = [48, 64].map((at) => k.local(v128.load(x, at)));
  k.store(y, k.choose(mask, k.permute(weights, places), pixels), 80);
});

/** A module of one kernel per source, with its memory: step i, of function i + 1, works on x and y. */
function load(kernels: readonly KernelSource<typeof fields>[]): {
  memory: WebAssembly.Memory;
  run: (index: number, units: number) => void;
} {
  const bytes = writeModule(kernels as unknown as readonly KernelSource[], { pages: 1, isShared: false, isRelaxed: true });
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
  const words = new Int32Array(memory.buffer);
  words[18] = 1024;
  words.set([Y, X], 512);
  return {
    memory,
    run(index, units) {
      words.set([index + 1, 2048, units, 0], 256);
      (exports.run as (...args: number[]) => void)(0, 1, 0, 1, 0);
    },
  };
}

let isRelaxed: boolean | undefined;

/** True where this engine has relaxed SIMD and computes with each instruction that the kernels use what they count on. */
export function hasRelaxedSimd(): boolean {
  isRelaxed ??= probeRelaxed();
  return isRelaxed;
}

function probeRelaxed(): boolean {
  const kernels = [probe as unknown as KernelSource];
  if (!WebAssembly.validate(writeModule(kernels, { pages: 1, isShared: false, isRelaxed: true }))) return false;
  const { memory, run } = load([probe]);
  new Float32Array(memory.buffer, X, 4).fill(3);
  // The largest products that occur, of either sign, among smaller ones.
  const weights = new Int8Array(memory.buffer, X + 16, 16).map((_, i) => [-128, -128, 127, 127, -3, 5, 7, -11][i % 8]);
  const pixels = new Int8Array(memory.buffer, X + 32, 16).map((_, i) => [127, 127, 127, 127, 1, 2, 3, 4][i % 8]);
  new Int8Array(memory.buffer, X + 16, 16).set(weights);
  new Int8Array(memory.buffer, X + 32, 16).set(pixels);
  const places = new Int8Array(memory.buffer, X + 48, 16).fill(0).map((_, i) => (7 * i) % 16);
  new Int8Array(memory.buffer, X + 48, 16).set(places);
  new Int8Array(memory.buffer, X + 64, 16).set(places.map((place) => (place % 3 === 0 ? -1 : 0)));
  const bitsOf3 = new Int32Array(memory.buffer, X, 1)[0];
  run(0, 1);
  const products = Array.from(weights, (weight, i) => weight * pixels[i]);
  const sums = (count: number): number[] =>
    Array.from({ length: 16 / count }, (_, i) => products.slice(i * count, (i + 1) * count).reduce((sum, x) => sum + x, 0));
  const [factors, others] = [X + 16, X + 32].map((at) => new Int16Array(memory.buffer, at, 8));
  const high = Array.from(factors, (factor, i) => (factor * others[i] + 16_384) >> 15);
  const isFound = (found: ArrayLike<number>, wanted: readonly number[]): boolean => wanted.every((value, i) => found[i] === value);
  return (
    isFound(new Float32Array(memory.buffer, Y, 4), [6, 6, 6, 6]) &&
    isFound(new Int16Array(memory.buffer, Y + 16, 8), sums(2)) &&
    isFound(
      new Int32Array(memory.buffer, Y + 32, 4),
      sums(4).map((sum) => (sum + bitsOf3) | 0),
    ) &&
    isFound(new Int32Array(memory.buffer, Y + 48, 4), [3, 3, 3, 3]) &&
    isFound(new Int16Array(memory.buffer, Y + 64, 8), high) &&
    isFound(
      new Int8Array(memory.buffer, Y + 80, 16),
      Array.from(places, (place, i) => (place % 3 === 0 ? weights[place] : pixels[i])),
    )
  );
}

/** Products of bytes in registers, as `byteTap` adds them, in four chains. */
function chains(isWhole: boolean): KernelSource<typeof fields> {
  return wasmKernel(`chains ${isWhole}`, fields, ({ y, x, begin, end }, k) => {
    const [weights, pixels] = [16, 32].map((at) => k.local(v128.load(x, at)));
    const ones = k.local(v128.const32(0x1_0001, 0x1_0001, 0x1_0001, 0x1_0001));
    const sums = Array.from({ length: 4 }, () => k.variable("v128"));
    k.for({ from: begin, to: end }, () => {
      for (const sum of sums) {
        sum.set(isWhole ? k.dotFours(weights, pixels, sum) : i32x4.add(sum, i32x4.dot(k.dotPairs(weights, pixels), ones)));
      }
    });
    for (const [i, sum] of sums.entries()) k.store(y, sum, i * 16);
  });
}

let isWholeDot: boolean | undefined;

/**
 * True where adding four products of bytes is one instruction of the processor, as on those with vector neural network instructions; elsewhere it
 * is a sequence, slower than the one of pairs that kernels write themselves. Results are the same. Takes about a millisecond, once.
 */
export function hasWholeDot(): boolean {
  isWholeDot ??= hasRelaxedSimd() && probeDot();
  return isWholeDot;
}

function probeDot(): boolean {
  const { run } = load([chains(true), chains(false)]);
  const best = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let burst = 0; burst < 12; burst++) {
    for (const index of [0, 1]) {
      const start = performance.now();
      run(index, 10_000);
      best[index] = Math.min(best[index], performance.now() - start);
    }
  }
  return best[0] < best[1];
}

/** True where memory can be shared between threads here (a browser needs cross-origin isolation). */
export function hasSharedMemory(): boolean {
  const isIsolated = (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated;
  return typeof SharedArrayBuffer !== "undefined" && isIsolated !== false;
}
