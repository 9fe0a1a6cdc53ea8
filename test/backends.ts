import { referenceBackend } from "../src/backends/reference/index.ts";
import { wasmBackend } from "../src/backends/wasm/index.ts";
import type { Backend, OpenOptions } from "../src/engine/session.ts";

/** A backend as it is tested: `name` appears in the tests' names. */
export interface Tested {
  readonly name: string;
  readonly backend: Backend;
  readonly options: OpenOptions;
  /** "largest": only the two largest cases of each op, where a variant differs from another row in how work is split or rounded. */
  readonly cases: "all" | "largest";
}

/** Every backend that must agree with the reference. */
export const backends: readonly Tested[] = [
  { name: "reference", backend: referenceBackend, options: {}, cases: "all" },
  { name: "wasm", backend: wasmBackend, options: {}, cases: "all" },
  { name: "wasm without relaxed SIMD", backend: wasmBackend, options: { isRelaxedAllowed: false }, cases: "largest" },
  { name: "wasm with two threads", backend: wasmBackend, options: { threads: 2 }, cases: "largest" },
];
