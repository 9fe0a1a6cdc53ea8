/** Every stride-th pixel of images, as a strided 1 × 1 window sees them; zeros where the window lies on padding. */
import { f32x4, i32, v128 } from "../assembler.ts";
import { type Pointer, type Step, step } from "../kernel.ts";
import { wasmKernel } from "../module.ts";
import type { WindowSizes } from "./window.ts";

const fields = {
  y: "i32",
  x: "i32",
  pixel: "i32",
  height: "i32",
  width: "i32",
  rows: "i32",
  columns: "i32",
  strideRows: "i32",
  strideColumns: "i32",
  top: "i32",
  left: "i32",
} as const;

/** Units are rows of y. */
const samplePixels = wasmKernel("sample", fields, (a, k) => {
  const zero = k.local(f32x4.const(0));
  const to = k.local(a.y.plus(a.begin.times(a.columns).times(a.pixel)));
  k.for({ from: a.begin, to: a.end }, (unit) => {
    const image = k.local(i32.divU(unit, a.rows));
    const row = k.local(unit.minus(image.times(a.rows)).times(a.strideRows).minus(a.top));
    const isRow = k.local(i32.ltU(row, a.height));
    const line = k.local(image.times(a.height).plus(row).times(a.width));
    const column = k.local(i32.sub(0, a.left));
    k.for({ to: a.columns }, () => {
      const from = k.local(a.x.plus(line.plus(column).times(a.pixel)));
      k.if(
        i32.and(isRow, i32.ltU(column, a.width)),
        () => k.for({ to: a.pixel, step: 16 }, (at) => k.store(to.plus(at), v128.load(from.plus(at)))),
        () => k.for({ to: a.pixel, step: 16 }, (at) => k.store(to.plus(at), zero)),
      );
      column.add(a.strideColumns);
      to.add(a.pixel);
    });
  });
});

/** The steps of one sampling of images of `lanes` floats a pixel; y takes images · outSize · lanes floats. */
export function sampleSteps(
  x: Pointer,
  y: Pointer,
  images: number,
  lanes: number,
  { size, outSize, stride, before }: Omit<WindowSizes, "kernel">,
): readonly Step[] {
  const [[height, width], [rows, columns]] = [size, outSize];
  const [[strideRows, strideColumns], [top, left]] = [stride, before];
  const args = { y, x, pixel: lanes * 4, height, width, rows, columns, strideRows, strideColumns, top, left };
  return [step(samplePixels, images * rows, args)];
}
