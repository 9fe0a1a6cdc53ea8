import { i32, v128 } from "../assembler.ts";
import { wasmKernel } from "../module.ts";

/** y = x, 16 KB a unit. `vectors` counts 16-byte words. */
export const copyBytes = wasmKernel("copy", { y: "i32", x: "i32", vectors: "i32" }, ({ y, x, vectors, begin, end }, k) => {
  const last = k.local(end.times(1024));
  k.if(i32.lt(vectors, last), () => last.set(vectors));
  k.for({ from: begin.times(1024), to: last }, (i) => {
    const at = k.local(i.times(16));
    k.store(y.plus(at), v128.load(x.plus(at)));
  });
});
