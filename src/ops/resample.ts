import { need } from "../core/errors.ts";
import { formatShape } from "../core/shape.ts";
import { defineOp, type Op } from "../ir/op.ts";
import { plain } from "./cost.ts";
import { needImages } from "./window.ts";

/** The two neighbours of a place along an axis, and the share of the second; places beyond the ends are taken to the ends. */
function neighbours(place: number, extent: number): { readonly first: number; readonly second: number; readonly share: number } {
  const inside = Math.min(Math.max(place, 0), extent - 1);
  const first = Math.floor(inside);
  return { first, second: Math.min(first + 1, extent - 1), share: inside - first };
}

/**
 * (x [n, c, h, w], rows [oh], columns [ow]) → [n, c, oh, ow]: the image at the places where the rows and columns named cross, between pixels by
 * linear interpolation. One op for every way of changing the size: whole numbers crop, skip, repeat and mirror.
 */
export const resample: Op = defineOp({
  name: "resample",

  shape([x, rows, columns]) {
    needImages("the input", x);
    const isFit = rows.length === 1 && columns.length === 1 && rows[0] > 0 && columns[0] > 0;
    need(isFit, () => `rows and columns must be two lists of places, found ${formatShape(rows)} and ${formatShape(columns)}`);
    return [x[0], x[1], rows[0], columns[0]];
  },

  cost: plain({ adds: 6, multiplications: 3 }),

  reference(y, [x, rows, columns]) {
    const [, , h, w] = x.shape;
    const [n, c, oh, ow] = y.shape;
    for (let plane = 0; plane < n * c; plane++) {
      for (let oy = 0; oy < oh; oy++) {
        const row = neighbours(rows.data[oy], h);
        const [above, below] = [row.first, row.second].map((at) => (plane * h + at) * w);
        for (let ox = 0; ox < ow; ox++) {
          const column = neighbours(columns.data[ox], w);
          const mix = (line: number): number =>
            x.data[line + column.first] + (x.data[line + column.second] - x.data[line + column.first]) * column.share;
          const first = mix(above);
          y.data[(plane * oh + oy) * ow + ox] = first + (mix(below) - first) * row.share;
        }
      }
    }
  },
});
