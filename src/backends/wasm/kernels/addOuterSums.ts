import { f32, f32x4, i32, v128 } from "../assembler.ts";
import { wasmKernel } from "../module.ts";

const addFields = { c: "i32", partial: "i32", chunks: "i32", strips: "i32", panels: "i32", m: "i32", n: "i32" } as const;

/**
 * Units are rows of C: the chunks' sums, out of their tiles [panel][strip][4][8] (outerSums.ts). A row ends where the next begins, so its last
 * vector is stored in part.
 */
export const addChunks = wasmKernel("add outer sums", addFields, ({ c, partial, chunks, strips, panels, m, n, begin, end }, k) => {
  const tileRow = k.local(strips.times(128));
  const chunkBytes = k.local(panels.times(tileRow));
  k.for({ from: begin, to: end }, (unit) => {
    const group = k.local(i32.divU(unit, m));
    const row = k.local(unit.minus(group.times(m)));
    const tile = k.local(
      partial.plus(group.times(chunks).times(chunkBytes)).plus(i32.shr(row, 2).times(128)).plus(i32.and(row, 3).times(32)),
    );
    const to = k.local(c.plus(unit.times(n).times(4)));
    k.for({ to: n, step: 4 }, (column) => {
      const sum = k.local(f32x4.const(0));
      const at = k.local(tile.plus(i32.shr(column, 3).times(tileRow)).plus(i32.and(column, 4).times(4)));
      k.for({ to: chunks }, () => {
        sum.set(f32x4.add(sum, v128.load(at)));
        at.add(chunkBytes);
      });
      k.if(
        i32.le(column.plus(4), n),
        () => k.store(to, sum),
        () => {
          k.store(to, f32.lane(sum, 0));
          for (const lane of [1, 2]) k.if(i32.gt(n.minus(column), lane), () => k.store(to, f32.lane(sum, lane), lane * 4));
        },
      );
      to.add(16);
    });
  });
});
