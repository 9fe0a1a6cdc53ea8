import { f32, i32 } from "../assembler.ts";
import { type LowerContext, type Pointer, type Step, step } from "../kernel.ts";
import { wasmKernel } from "../module.ts";

/** A dense matrix [group][m][n] and the tiles that cover it. */
export interface OwnTiles {
  readonly own: Pointer;
  readonly groups: number;
  readonly m: number;
  readonly n: number;
  readonly strips: number;
  readonly panels: number;
}

const fields = { y: "i32", own: "i32", m: "i32", n: "i32", strips: "i32", panels: "i32" } as const;

/** Units are tiles of [group][panel][strip]; elements past the matrix's edges repeat its first one. */
const packTiles = wasmKernel("pack tiles", fields, ({ y, own, m, n, strips, panels, begin, end }, k) => {
  const at = k.local(y.plus(begin.times(128)));
  k.for({ from: begin, to: end }, (unit) => {
    const line = k.local(i32.divU(unit, strips));
    const row = k.local(unit.minus(line.times(strips)).times(4));
    const group = k.local(i32.divU(line, panels));
    const column = k.local(line.minus(group.times(panels)).times(8));
    k.for({ to: 32 }, (i) => {
      const [r, c] = [k.local(row.plus(i32.shr(i, 3))), k.local(column.plus(i32.and(i, 7)))];
      const isInside = i32.and(i32.lt(r, m), i32.lt(c, n));
      const from = own.plus(group.times(m).plus(r).times(n).plus(c).times(4));
      k.store(at, f32.load(i32.select(isInside, from, own)));
      at.add(4);
    });
  });
});

/** A matrix in tiles [group][panel][strip][4][8], as outerSums.ts keeps its sums. */
export function tileSteps(
  { own, groups, m, n, strips, panels }: OwnTiles,
  context: LowerContext,
): { readonly at: Pointer; readonly steps: readonly Step[] } {
  const tiles = groups * panels * strips;
  const at = context.scratch(tiles * 32);
  return { at, steps: [step(packTiles, tiles, { y: at, own, m, n, strips, panels })] };
}
