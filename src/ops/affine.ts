import { defineOp, type Op } from "../ir/op.ts";
import { plain } from "./cost.ts";

/** y = scale · x + shift, the same for every element. */
export interface Affine {
  readonly scale: number;
  readonly shift: number;
}

/** scale · x + shift. */
export const affine: Op<Affine> = defineOp<Affine>({
  name: "affine",
  isElementwise: true,

  shape: ([x]) => x,
  cost: plain({ adds: 1, multiplications: 1 }),
  reference(y, [x], { scale, shift }) {
    for (let i = 0; i < y.data.length; i++) y.data[i] = scale * x.data[i] + shift;
  },
});
