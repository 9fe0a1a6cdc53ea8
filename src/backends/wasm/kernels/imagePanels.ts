/** Images in panels of 8 channels, [image][panel][y][x][8] with zeros around them: the pixels of a panel follow each other, whatever its tap. */
import { type Code, f32x4, i32, type Local, v128 } from "../assembler.ts";
import { type LowerContext, type Pointer, type Step, step } from "../kernel.ts";
import { wasmKernel } from "../module.ts";
import type { Pair } from "./window.ts";

/** Images of `lanes` channels, a multiple of 8, as they lie, and the part of the plane around them that is wanted. */
export interface ImagesToPanel {
  readonly x: Pointer;
  readonly images: number;
  readonly lanes: number;
  readonly size: Pair;
  /** Rows above and columns to the left of the image. */
  readonly before: Pair;
  readonly paddedSize: Pair;
}

const fields = {
  y: "i32",
  x: "i32",
  height: "i32",
  width: "i32",
  top: "i32",
  left: "i32",
  rows: "i32",
  columns: "i32",
  pixel: "i32",
  panels: "i32",
} as const;

/** Fills `columns` pixels of 32 bytes at `to`, from pixels at `from`, or with zeros where there is none. */
function copyPixels(k: Code, to: Local<"i32">, columns: Local<"i32">, from?: { at: Local<"i32">; pixel: Local<"i32"> }): void {
  k.for({ to: columns }, () => {
    for (const offset of [0, 16]) k.store(to, from ? v128.load(from.at, offset) : f32x4.const(0), offset);
    from?.at.add(from.pixel);
    to.add(32);
  });
}

/** Units are rows of the padded plane, over all images; each is written panel by panel. */
const panelImages = wasmKernel("panel images", fields, (args, k) => {
  const { y, x, height, width, top, left, rows, columns, pixel, panels, begin, end } = args;
  const lineBytes = k.local(columns.times(32));
  const panelBytes = k.local(rows.times(lineBytes));
  const [first, last] = [left, left.plus(width)].map((column) => k.local(i32.min(i32.max(column, 0), columns)));
  const after = k.local(columns.minus(last));
  const inner = k.local(last.minus(first));
  k.for({ from: begin, to: end }, (unit) => {
    const image = k.local(i32.divU(unit, rows));
    const row = k.local(unit.minus(image.times(rows)));
    const source = k.local(row.minus(top));
    const start = k.local(x.plus(image.times(height).plus(source).times(width).plus(first).minus(left).times(pixel)));
    k.for({ to: panels }, (panel) => {
      const to = k.local(y.plus(image.times(panels).plus(panel).times(panelBytes)).plus(row.times(lineBytes)));
      k.if(
        i32.ltU(source, height),
        () => {
          copyPixels(k, to, first);
          copyPixels(k, to, inner, { at: k.local(start.plus(panel.times(32))), pixel });
          copyPixels(k, to, after);
        },
        () => copyPixels(k, to, columns),
      );
    });
  });
});

/** The panels of images, in scratch memory. */
export function imagePanelSteps(
  { x, images, lanes, size, before, paddedSize }: ImagesToPanel,
  context: LowerContext,
): { readonly at: Pointer; readonly steps: readonly Step[] } {
  const at = context.scratch(images * lanes * paddedSize[0] * paddedSize[1]);
  const sizes = { height: size[0], width: size[1], top: before[0], left: before[1], rows: paddedSize[0], columns: paddedSize[1] };
  return { at, steps: [step(panelImages, images * paddedSize[0], { y: at, x, ...sizes, pixel: lanes * 4, panels: lanes / 8 })] };
}
