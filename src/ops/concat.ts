import { need } from "../core/errors.ts";
import { formatShape } from "../core/shape.ts";
import { defineOp, type Op } from "../ir/op.ts";
import { plain } from "./cost.ts";
import { movedType } from "./requantise.ts";

/** Puts activations of one size behind each other along the channels. */
export const concat: Op<{ readonly axis: 1 }> = defineOp<{ readonly axis: 1 }>({
  name: "concat",
  isRouting: true,
  dtype: movedType,

  shape(inputs, { axis }) {
    const [first] = inputs;
    need(axis === 1, () => `only the channels (axis 1) can be concatenated, found axis ${axis}`);
    need(inputs.length > 0 && first.length >= 2, () => "at least one input of at least two axes is needed");
    for (const shape of inputs) {
      const isFit = shape.length === first.length && shape.every((extent, i) => i === 1 || extent === first[i]);
      need(isFit, () => `all inputs must agree in every axis but the channels, found ${formatShape(first)} and ${formatShape(shape)}`);
    }
    return [first[0], inputs.reduce((sum, shape) => sum + shape[1], 0), ...first.slice(2)];
  },

  cost: plain({}),

  reference(y, inputs) {
    const [n, c] = y.shape;
    const area = y.data.length / (n * c);
    let before = 0;
    for (const x of inputs) {
      const length = x.shape[1] * area;
      for (let image = 0; image < n; image++) y.data.set(x.data.subarray(image * length, (image + 1) * length), image * c * area + before);
      before += length;
    }
  },
});
