import { need } from "../core/errors.ts";
import { formatShape, type Shape, size } from "../core/shape.ts";
import { defineOp, type Op } from "../ir/op.ts";
import { plain } from "./cost.ts";

/** Axis i of the result is axis `axes[i]` of the operand; axis 0, the images, stays. */
export interface Permute {
  readonly axes: readonly number[];
}

/** How far each axis of the result moves in the operand's elements. */
function steps(x: Shape, axes: readonly number[]): readonly number[] {
  return axes.map((axis) => size(x.slice(axis + 1)));
}

/** The same elements with their axes in another order. */
export const permute: Op<Permute> = defineOp<Permute>({
  name: "permute",
  isRouting: true,

  shape([x], { axes }) {
    const isOrder = axes.length === x.length && axes.toSorted((a, b) => a - b).every((axis, i) => axis === i);
    need(isOrder && axes[0] === 0, () => `axes must be an order of the ${x.length} axes that begins with 0, found ${formatShape(axes)}`);
    return axes.map((axis) => x[axis]);
  },

  cost: plain({}),

  reference(y, [x], { axes }) {
    const step = steps(x.shape, axes);
    const at = y.shape.map(() => 0);
    let from = 0;
    for (let i = 0; i < y.data.length; i++) {
      y.data[i] = x.data[from];
      for (let axis = at.length - 1; axis >= 0; axis--) {
        from += step[axis];
        if (++at[axis] < y.shape[axis]) break;
        from -= step[axis] * y.shape[axis];
        at[axis] = 0;
      }
    }
  },
});
