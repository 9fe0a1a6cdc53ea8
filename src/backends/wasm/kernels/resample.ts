/** Images at rows and columns of fractional number: each pixel a mixture of four, four channels a vector. A unit is one row of the output. */
import { type Code, type Expr, f32, f32x4, i32, type Local, v128 } from "../assembler.ts";
import { type Lower, step } from "../kernel.ts";
import { pad4 } from "../layout.ts";
import { wasmKernel } from "../module.ts";
import { hasActivations } from "./activations.ts";

/** The neighbours of the place at an address, in elements, and the share of the second in all lanes. */
function neighbours(k: Code, at: Expr<"i32">, last: Local<"i32">) {
  const place = k.local(f32.max(f32.const(0), f32.min(f32.load(at), f32.fromI32(last))));
  const first = k.local(i32.truncate(place));
  return { first, second: k.local(i32.min(first.plus(1), last)), share: k.local(f32x4.splat(f32.sub(place, f32.fromI32(first)))) };
}

const fields = {
  y: "i32",
  x: "i32",
  rows: "i32",
  columns: "i32",
  oh: "i32",
  ow: "i32",
  lastRow: "i32",
  lastColumn: "i32",
  pixel: "i32",
} as const;

const kernel = wasmKernel("resample", fields, (a, k) => {
  const line = k.local(a.lastColumn.plus(1).times(a.pixel));
  k.for({ from: a.begin, to: a.end }, (unit) => {
    const image = k.local(a.x.plus(i32.div(unit, a.oh).times(a.lastRow.plus(1)).times(line)));
    const row = neighbours(k, a.rows.plus(i32.rem(unit, a.oh).times(4)), a.lastRow);
    const above = k.local(image.plus(row.first.times(line)));
    const below = k.local(image.plus(row.second.times(line)));
    const to = k.local(a.y.plus(unit.times(a.ow).times(a.pixel)));
    k.for({ to: a.ow }, (column) => {
      const { first, second, share } = neighbours(k, a.columns.plus(column.times(4)), a.lastColumn);
      const [left, right] = [k.local(first.times(a.pixel)), k.local(second.times(a.pixel))];
      k.for({ to: a.pixel, step: 16 }, (lane) => {
        const mixed = (start: Local<"i32">) => {
          const near = k.local(v128.load(start.plus(left).plus(lane)));
          return k.local(f32x4.add(near, f32x4.mul(f32x4.sub(v128.load(start.plus(right).plus(lane)), near), share)));
        };
        const [top, bottom] = [mixed(above), mixed(below)];
        k.store(to, f32x4.add(top, f32x4.mul(f32x4.sub(bottom, top), row.share)));
        to.add(16);
      });
    });
  });
});

export const resample: Lower = (node, context) => {
  const [x, rows, columns] = node.inputs;
  const [y] = node.outputs;
  if (!hasActivations({ ...node, inputs: [x] }, context)) return undefined;
  const [n, c, h, w] = x.shape;
  const [, , oh, ow] = y.shape;
  const pointers = { y: context.at(y), x: context.at(x), rows: context.at(rows), columns: context.at(columns) };
  return [step(kernel, n * oh, { ...pointers, oh, ow, lastRow: h - 1, lastColumn: w - 1, pixel: pad4(c) * 4 })];
};
