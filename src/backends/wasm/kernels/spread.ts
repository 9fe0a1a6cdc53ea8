/**
 * Images with zeros between, before and behind their pixels: y[j] = x[(j + shift) / stride] where that is a pixel of x, else 0, along rows
 * and columns. It turns the input gradient of any convolution into a convolution of stride 1.
 */
import { type Code, type Expr, f32x4, i32, type Local, v128 } from "../assembler.ts";
import { type Pointer, type Step, step } from "../kernel.ts";
import { wasmKernel } from "../module.ts";
import type { Pair } from "./window.ts";

/** Images of `lanes` floats a pixel; `size` is x's, `spreadSize` y's. */
export interface Spread {
  readonly x: Pointer;
  readonly y: Pointer;
  readonly images: number;
  readonly lanes: number;
  readonly size: Pair;
  readonly spreadSize: Pair;
  readonly stride: Pair;
  readonly shift: Pair;
}

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
  shiftRows: "i32",
  shiftColumns: "i32",
} as const;

/** True where `place` is a multiple of `stride` whose quotient is below `count`. */
function isPixel(k: Code, place: Local<"i32">, stride: Local<"i32">, count: Local<"i32">, quotient: Local<"i32">): Expr<"i32"> {
  quotient.set(i32.div(place, stride));
  const isWhole = i32.eq(quotient.times(stride), place);
  return k.local(i32.and(i32.and(i32.ge(place, 0), isWhole), i32.lt(quotient, count)));
}

/** Units are rows of y. */
const spreadImages = wasmKernel("spread", fields, (a, k) => {
  const zero = k.local(f32x4.const(0));
  const [fromRow, fromColumn] = [k.variable("i32"), k.variable("i32")];
  const to = k.local(a.y.plus(a.begin.times(a.columns).times(a.pixel)));
  k.for({ from: a.begin, to: a.end }, (unit) => {
    const image = k.local(i32.divU(unit, a.rows));
    const row = k.local(unit.minus(image.times(a.rows)).plus(a.shiftRows));
    const isRow = isPixel(k, row, a.strideRows, a.height, fromRow);
    const line = k.local(a.x.plus(image.times(a.height).plus(fromRow).times(a.width).times(a.pixel)));
    k.for({ to: a.columns }, (j) => {
      const column = k.local(j.plus(a.shiftColumns));
      const isColumn = isPixel(k, column, a.strideColumns, a.width, fromColumn);
      const from = k.local(line.plus(fromColumn.times(a.pixel)));
      k.if(
        i32.and(isRow, isColumn),
        () => k.for({ to: a.pixel, step: 16 }, (at) => k.store(to.plus(at), v128.load(from.plus(at)))),
        () => k.for({ to: a.pixel, step: 16 }, (at) => k.store(to.plus(at), zero)),
      );
      to.add(a.pixel);
    });
  });
});

/** The steps of one spreading; y takes images · rows · columns · lanes floats. */
export function spreadSteps({ x, y, images, lanes, size, spreadSize, stride, shift }: Spread): readonly Step[] {
  const [[height, width], [rows, columns]] = [size, spreadSize];
  const [[strideRows, strideColumns], [shiftRows, shiftColumns]] = [stride, shift];
  const args = { y, x, pixel: lanes * 4, height, width, rows, columns, strideRows, strideColumns, shiftRows, shiftColumns };
  return [step(spreadImages, images * rows, args)];
}
