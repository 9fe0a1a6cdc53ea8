import { f32x4, v128 } from "./assembler.ts";
import { wasmKernel, writeModule } from "./module.ts";

const probe = wasmKernel("probe", { y: "i32", x: "i32" }, ({ y, x }, k) => {
  const value = k.local(v128.load(x));
  k.store(y, k.madd(value, value, f32x4.neg(value)));
});

let isRelaxed: boolean | undefined;

/** True where this engine has relaxed SIMD and computes 3 · 3 − 3 with it correctly. */
export function hasRelaxedSimd(): boolean {
  isRelaxed ??= probeRelaxed();
  return isRelaxed;
}

function probeRelaxed(): boolean {
  const bytes = writeModule([probe], { pages: 1, isShared: false, isRelaxed: true });
  if (!WebAssembly.validate(bytes)) return false;
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const words = new Int32Array(memory.buffer);
  const floats = new Float32Array(memory.buffer);
  // The step list at 1024 holds one step: function 1, arguments at 2048, one unit.
  words.set([1, 2048, 1, 0], 256);
  words.set([4096, 3072], 512);
  words[18] = 1024;
  floats.fill(3, 768, 772);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
  (exports.run as (...args: number[]) => void)(0, 1, 0, 1, 0);
  return floats.subarray(1024, 1028).every((value) => value === 6);
}

/** True where memory can be shared between threads here (a browser needs cross-origin isolation). */
export function hasSharedMemory(): boolean {
  const isIsolated = (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated;
  return typeof SharedArrayBuffer !== "undefined" && isIsolated !== false;
}
