/**
 * Rows whose distance is a multiple of 2 KB fall into the same few cache sets and banks: a product that reads several at a time loses up to
 * half its speed. A copy with 64 bytes between rows costs one pass and is worth it from a few panels of outputs on.
 */
import { i32, v128 } from "../assembler.ts";
import { type LowerContext, type Step, step } from "../kernel.ts";
import { wasmKernel } from "../module.ts";
import { type Gemm, gemmSteps } from "./gemm.ts";

/** Distances (bytes) that alias. */
const ALIASED = 2048;
/** Floats between copied rows. */
const GAP = 16;
/** Outputs from which the copy pays. */
const FEWEST_OUTPUTS = 32;
/** Rows of a unit. */
const UNIT = 16;

const fields = { y: "i32", x: "i32", rows: "i32", row: "i32", spaced: "i32" } as const;

const spaceRows = wasmKernel("space rows", fields, ({ y, x, rows, row, spaced, begin, end }, k) => {
  const from = k.local(x.plus(begin.times(UNIT).times(row)));
  const to = k.local(y.plus(begin.times(UNIT).times(spaced)));
  k.for({ from: begin.times(UNIT), to: k.local(i32.min(end.times(UNIT), rows)) }, () => {
    k.for({ to: row, step: 64 }, (at) => {
      for (let i = 0; i < 64; i += 16) k.store(to.plus(at), v128.load(from.plus(at), i), i);
    });
    from.add(row);
    to.add(spaced);
  });
});

/** The steps of a product (gemm.ts) whose rows, where they alias and a copy pays, are copied first. */
export function spacedGemmSteps(context: LowerContext, gemm: Gemm): readonly Step[] {
  const { a, rows, lda, n, windows } = gemm;
  const isWorth = windows === undefined && (lda * 4) % ALIASED === 0 && n >= FEWEST_OUTPUTS && rows >= UNIT;
  if (!isWorth) return gemmSteps(gemm);
  const y = context.scratch(rows * (lda + GAP));
  const args = { y, x: a, rows, row: lda * 4, spaced: (lda + GAP) * 4 };
  return [step(spaceRows, Math.ceil(rows / UNIT), args), ...gemmSteps({ ...gemm, a: y, lda: lda + GAP })];
}
