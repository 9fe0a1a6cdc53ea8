import { need } from "../core/errors.ts";
import { size } from "../core/shape.ts";
import { defineOp, type Op } from "../ir/op.ts";
import { type AveragePool, eachPixel, pooledShape } from "./averageWindows.ts";
import { touched } from "./cost.ts";
import { needType, needZero, requantise } from "./requantise.ts";
import { needImages } from "./window.ts";

/** The mean of integers, in integers: `zero` stands for 0 in the input; the mean of (q − zero) · ratio + offset is the output. */
export interface IntegerMean {
  readonly zero: number;
  readonly ratio: number;
  readonly offset: number;
}

const u7 = { to: "u7", low: 0, high: 127 } as const;

/** The mean of each window: trunc(Σ (q − zero) · (ratio / pixels) + offset), the share rounded to float32. */
export const integerAveragePool: Op<AveragePool & IntegerMean> = defineOp<AveragePool & IntegerMean>({
  name: "integerAveragePool",

  shape([x], attrs) {
    needZero(attrs.zero);
    return pooledShape(x, attrs);
  },

  dtype([x]) {
    needType("the operand", x, "u7");
    return "u7";
  },

  cost: (inputs, { kernel }, outputs) => ({
    macs: 0,
    adds: size(outputs[0]) * (kernel[0] * kernel[1] + 3),
    moved: touched(inputs, outputs),
  }),

  reference(y, [x], attrs) {
    const sums = new Float64Array(y.data.length);
    const pixels = new Float64Array(y.data.length);
    eachPixel(x.shape, y.shape, attrs, (at, pixel, share) => {
      sums[at] += x.data[pixel] - attrs.zero;
      pixels[at] = Math.round(1 / share);
    });
    const [ratio, offset] = [attrs.ratio, attrs.offset].map(Math.fround);
    for (const [at, sum] of sums.entries()) y.data[at] = requantise(sum, Math.fround(ratio / pixels[at]), offset, u7);
  },
});

/** [n, c, h, w] → [n, c, 1, 1]: the mean of each plane, trunc(Σ (q − zero) · (ratio / pixels) + offset). */
export const integerGlobalAveragePool: Op<IntegerMean> = defineOp<IntegerMean>({
  name: "integerGlobalAveragePool",

  shape([x], { zero }) {
    needImages("the input", x);
    needZero(zero);
    need(x[2] * x[3] <= 2 ** 24, () => `the plane has ${x[2] * x[3]} pixels, at most ${2 ** 24} can be added up`);
    return [x[0], x[1], 1, 1];
  },

  dtype([x]) {
    needType("the operand", x, "u7");
    return "u7";
  },

  cost: (inputs, _attrs, outputs) => ({ macs: 0, adds: size(inputs[0]) + 3 * size(outputs[0]), moved: touched(inputs, outputs) }),

  reference(y, [x], { zero, ratio, offset }) {
    const area = x.data.length / y.data.length;
    const share = Math.fround(Math.fround(ratio) / area);
    for (let plane = 0; plane < y.data.length; plane++) {
      let sum = 0;
      for (let i = plane * area; i < (plane + 1) * area; i++) sum += x.data[i] - zero;
      y.data[plane] = requantise(sum, share, Math.fround(offset), u7);
    }
  },
});
