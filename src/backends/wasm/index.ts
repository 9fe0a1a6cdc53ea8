import type { Backend } from "../../engine/session.ts";
import { kernels } from "./kernels/index.ts";
import { openSession } from "./session.ts";

/** The WebAssembly engine: f32, 128-bit SIMD (relaxed where there is), threads over shared memory. */
export const wasmBackend: Backend = {
  name: "wasm",
  open: (graph, weights, options) => openSession(graph, weights, kernels, options),
};

export { hasRelaxedSimd, hasSharedMemory } from "./features.ts";
export { type MemoryPlan, planMemory } from "./memoryPlan.ts";
