import { need } from "../core/errors.ts";
import { formatShape } from "../core/shape.ts";
import { defineOp, type Op } from "../ir/op.ts";
import { plain } from "./cost.ts";
import { movedType } from "./requantise.ts";

/** Channels `start` … `start + length − 1`. */
export interface Slice {
  readonly start: number;
  readonly length: number;
  readonly axis: 1;
}

/** A run of channels of x. */
export const slice: Op<Slice> = defineOp<Slice>({
  name: "slice",
  isRouting: true,
  dtype: movedType,

  shape([x], { start, length, axis }) {
    need(axis === 1, () => `only the channels (axis 1) can be sliced, found axis ${axis}`);
    need(x.length >= 2, () => `the input must have channels, found ${formatShape(x)}`);
    const isInside = Number.isInteger(start) && Number.isInteger(length) && start >= 0 && length > 0 && start + length <= x[1];
    need(isInside, () => `channels ${start} to ${start + length} are not within the ${x[1]} channels of the input`);
    return [x[0], length, ...x.slice(2)];
  },

  // Only the kept part is read.
  cost: (_inputs, _attrs, outputs) => plain({})([outputs[0]], {}, outputs),

  reference(y, [x], { start, length }) {
    const [n, c] = x.shape;
    const area = x.data.length / (n * c);
    for (let image = 0; image < n; image++) {
      const from = (image * c + start) * area;
      y.data.set(x.data.subarray(from, from + length * area), image * length * area);
    }
  },
});

/** Channels to put before and after, and what they hold: 0 unless given. */
export interface PadChannels {
  readonly before: number;
  readonly after: number;
  readonly fill?: number;
}

/** Adds channels of zeros (of integers, of what stands for 0): the gradient of a slice. */
export const padChannels: Op<PadChannels> = defineOp<PadChannels>({
  name: "padChannels",
  isRouting: true,
  dtype: movedType,

  shape([x], { before, after }) {
    need(x.length >= 2, () => `the input must have channels, found ${formatShape(x)}`);
    const isCount = Number.isInteger(before) && Number.isInteger(after) && before >= 0 && after >= 0;
    need(isCount, () => `channels to add must be integers from 0 on, found ${before} and ${after}`);
    return [x[0], before + x[1] + after, ...x.slice(2)];
  },

  cost: plain({}),

  reference(y, [x], { before, fill = 0 }) {
    const [n, c] = x.shape;
    const area = x.data.length / (n * c);
    y.data.fill(fill);
    for (let image = 0; image < n; image++) {
      const part = x.data.subarray(image * c * area, (image + 1) * c * area);
      y.data.set(part, (image * y.shape[1] + before) * area);
    }
  },
});
