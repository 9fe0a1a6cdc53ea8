import { need } from "../core/errors.ts";
import { formatShape, type Shape, size } from "../core/shape.ts";
import { defineOp, type Op } from "../ir/op.ts";
import { movedType } from "./requantise.ts";

/** The same elements, in the same logical row-major order, under another shape. */
export const reshape: Op<{ readonly shape: Shape }> = defineOp<{ readonly shape: Shape }>({
  name: "reshape",
  isRouting: true,
  dtype: movedType,
  isView: true,

  // One pixel of each channel, with or without the axes of pixels.
  reorder(_order, [x], { shape }) {
    const isPixel = [x, shape].every((each) => each[0] === x[0] && each[1] === x[1] && size(each) === x[0] * x[1]);
    return isPixel ? { operands: [x], isKept: true } : undefined;
  },

  shape([x], { shape }) {
    need(size(shape) === size(x), () => `${formatShape(x)} has ${size(x)} elements, ${formatShape(shape)} needs ${size(shape)}`);
    return shape;
  },

  cost: () => ({ macs: 0, adds: 0, moved: 0 }),

  reference(y, [x]) {
    y.data.set(x.data);
  },
});
