/** Windows over images, clipped to the image: shared by the kernels that walk a window pixel by pixel. */
import { type Code, i32, type Local } from "../assembler.ts";
import type { Arguments } from "../module.ts";

/** Rows and columns. */
export type Pair = readonly [rows: number, columns: number];

/** Sizes of a sliding window. */
export interface WindowSizes {
  readonly size: Pair;
  readonly outSize: Pair;
  readonly kernel: Pair;
  readonly stride: Pair;
  /** Padding above and to the left; below and to the right it follows from the sizes. */
  readonly before: Pair;
}

/** Kernel arguments of a window. */
export const windowFields = {
  height: "i32",
  width: "i32",
  outHeight: "i32",
  outWidth: "i32",
  kernelHeight: "i32",
  kernelWidth: "i32",
  strideRows: "i32",
  strideColumns: "i32",
  top: "i32",
  left: "i32",
} as const;

/** Kernel arguments of tiles of output pixels: sizes, padding above and to the left, bytes of a pixel, tiles below each other. */
export const tileFields = {
  height: "i32",
  width: "i32",
  outHeight: "i32",
  outWidth: "i32",
  top: "i32",
  left: "i32",
  pixel: "i32",
  tileRows: "i32",
} as const;

/** The values of `windowFields`. */
export function windowArgs({ size, outSize, kernel, stride, before }: WindowSizes): Record<keyof typeof windowFields, number> {
  return {
    height: size[0],
    width: size[1],
    outHeight: outSize[0],
    outWidth: outSize[1],
    kernelHeight: kernel[0],
    kernelWidth: kernel[1],
    strideRows: stride[0],
    strideColumns: stride[1],
    top: before[0],
    left: before[1],
  };
}

/** One output pixel: its window's corner (perhaps outside the image) and the part that lies inside. Rows and columns of the image. */
export interface ClippedWindow {
  /** Rows before this image's first, over all images. */
  readonly line: Local<"i32">;
  readonly inputRow: Local<"i32">;
  readonly inputColumn: Local<"i32">;
  readonly firstRow: Local<"i32">;
  readonly lastRow: Local<"i32">;
  readonly firstColumn: Local<"i32">;
  readonly lastColumn: Local<"i32">;
  /** Number of the output pixel, over all images. */
  readonly output: Local<"i32">;
}

/** Visits the output pixels of the unit's rows; a unit is one output row of one image. */
export function clippedWindow(k: Code, args: Arguments<typeof windowFields>, visit: (window: ClippedWindow) => void): void {
  const output = k.local(args.begin.times(args.outWidth));
  k.for({ from: args.begin, to: args.end }, (unit) => {
    const image = k.local(i32.divU(unit, args.outHeight));
    const line = k.local(image.times(args.height));
    const inputRow = k.local(unit.minus(image.times(args.outHeight)).times(args.strideRows).minus(args.top));
    const firstRow = k.local(i32.max(inputRow, 0));
    const lastRow = k.local(i32.min(inputRow.plus(args.kernelHeight), args.height));
    k.for({ to: args.outWidth }, (column) => {
      const inputColumn = k.local(column.times(args.strideColumns).minus(args.left));
      const firstColumn = k.local(i32.max(inputColumn, 0));
      const lastColumn = k.local(i32.min(inputColumn.plus(args.kernelWidth), args.width));
      visit({ line, inputRow, inputColumn, firstRow, lastRow, firstColumn, lastColumn, output });
      output.add(1);
    });
  });
}
