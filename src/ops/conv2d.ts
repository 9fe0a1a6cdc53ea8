import { need } from "../core/errors.ts";
import { formatShape, size } from "../core/shape.ts";
import { defineOp, type Op } from "../ir/op.ts";
import { needShuffle, shuffledList } from "./channelShuffle.ts";
import { convolutionCost, convolvedShape, eachTapRow, type ShuffledConvolution } from "./convolution.ts";
import { similarityGradient, similarityRule } from "./similarity.ts";
import { padPlanes } from "./window.ts";

/** (x [n, c, h, w], weight [out, c / groups, kh, kw], bias? [out]) → [n, out, oh, ow]: Y = Σ S(X, F), the literature's general form. */
export const conv2d: Op<ShuffledConvolution> = defineOp<ShuffledConvolution>({
  name: "conv2d",
  takesEpilogue: true,
  takesSimilarity: true,
  weightInputs: [1],

  shape([x, weight, bias], attrs) {
    const y = convolvedShape(x, weight, attrs);
    for (const groups of attrs.shuffles ?? []) needShuffle(x, groups);
    if (bias) {
      need(bias.length === 1 && bias[0] === y[1], () => `bias is ${formatShape(bias)}, but ${y[1]} output channels need [${y[1]}]`);
    }
    return y;
  },

  cost(inputs, attrs, outputs) {
    const cost = convolutionCost(outputs[0], inputs[1], similarityRule(attrs.similarity).cost, inputs, outputs);
    return inputs[2] ? { ...cost, adds: cost.adds + size(outputs[0]) } : cost;
  },

  // All channels of one group meet every output; each channel of a depthwise one its own; otherwise groups read where their channels lie.
  reorder({ shuffles }, [x, weight, bias], attrs) {
    const [, c] = x;
    const [out, , kh, kw] = weight;
    if (attrs.groups === 1) return { operands: [x, weight], isKept: false };
    if (attrs.groups === c && out === c) return { operands: [x, [1, c, kh, kw], bias && [1, c]], isKept: true };
    return { attrs: { ...attrs, shuffles: [...shuffles, ...(attrs.shuffles ?? [])] }, operands: [x], isKept: false, isRead: true };
  },

  rowInputs: ({ groups }) => (groups === 1 ? [1, 2] : []),

  surrogate: (attrs) => similarityGradient(attrs).surrogate,

  reference(y, [x, weight, bias], attrs) {
    const { combine } = similarityRule(attrs.similarity);
    const [n, c, h, w] = x.shape;
    const [, out, oh, ow] = y.shape;
    const step = attrs.stride[1];
    const filter = weight.data;
    for (let image = 0; image < n; image++) {
      const planes = padPlanes(x.data, image * c * h * w, c, [h, w], attrs.padding);
      const pixels = shuffledPlanes(planes, c, attrs.shuffles);
      const sums = y.data.subarray(image * out * oh * ow, (image + 1) * out * oh * ow);
      for (let o = 0; o < out; o++) sums.fill(bias ? bias.data[o] : 0, o * oh * ow, (o + 1) * oh * ow);
      eachTapRow({ x: x.shape, weight: weight.shape, y: y.shape, attrs }, (tap, yRow, xRow) => {
        const f = filter[tap];
        for (let i = 0; i < ow; i++) sums[yRow + i] += combine(pixels[xRow + i * step], f);
      });
    }
  },
});

/** Padded planes of one image in the order in which a convolution reads them. */
function shuffledPlanes(planes: Float64Array, c: number, shuffles: readonly number[] = []): Float64Array {
  if (shuffles.length === 0) return planes;
  const area = planes.length / c;
  const rows = Array.from({ length: c }, (_, i) => planes.subarray(i * area, (i + 1) * area));
  const shuffled = new Float64Array(planes.length);
  for (const [i, row] of shuffles.reduce(shuffledList, rows).entries()) shuffled.set(row, i * area);
  return shuffled;
}
