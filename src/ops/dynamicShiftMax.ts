/**
 * Dynamic Shift-Max, MicroNet (arXiv 2108.05894): every channel becomes the greatest of K sums a · x + b · x'. x' are the channels of the
 * next group, one position on; a and b are computed from the image, for each channel anew. As in the authors' code, x' is the only shift
 * (the paper's J = 2) and the coefficients come from gates between 0 and 1.
 */
import { need } from "../core/errors.ts";
import { formatShape, isSameShape, type Shape, size } from "../core/shape.ts";
import type { ReferenceTensor } from "../core/tensor.ts";
import { defineOp, type Op } from "../ir/op.ts";
import { type Operations, operationsCost, sumCosts } from "./cost.ts";
import { needImages } from "./window.ts";

/** Attributes of Dynamic Shift-Max and of its gradient. */
export interface DynamicShiftMax {
  /** Groups of the channels; x' is rolled by one group and, inside the group, by one position. */
  readonly groups: number;
  /** A coefficient is init + range · (2 · gate − 1). */
  readonly range: number;
  /** What the coefficients are at a gate of one half, in the order of the gates: a and b of the first sum, a and b of the second … */
  readonly init: readonly number[];
}

/** The channel that `channel` meets: the next group's, one position on, both in a circle. */
export function shiftedChannel(channel: number, channels: number, groups: number): number {
  const perGroup = channels / groups;
  const [group, position] = [Math.floor(channel / perGroup), channel % perGroup];
  return ((group + 1) % groups) * perGroup + ((position + 1) % perGroup);
}

/** The groups whose roll makes channels at `places` meet as those of `groups` do, if there are such. */
function regrouped(places: readonly number[], groups: number): number | undefined {
  const count = places.length;
  const isSame = (other: number): boolean =>
    places.every((at, channel) => shiftedChannel(at, count, other) === places[shiftedChannel(channel, count, groups)]);
  return places.map((_, i) => i + 1).find((other) => count % other === 0 && isSame(other));
}

/** Refuses operands that do not fit. */
function needGates(x: Shape, gates: Shape, { groups, init }: DynamicShiftMax): void {
  needImages("the input", x);
  const isDivisor = Number.isInteger(groups) && groups > 0 && x[1] % groups === 0;
  need(isDivisor, () => `groups (${groups}) must divide the channels (${x[1]})`);
  need(init.length > 0 && init.length % 2 === 0, () => `init must be pairs of numbers, a and b of each sum, found ${formatShape(init)}`);
  const needed = [x[0], init.length * x[1]];
  need(isSameShape(gates, needed), () => `the gates are ${formatShape(gates)}, but ${init.length} a channel need ${formatShape(needed)}`);
}

/** What all sums of one element take: two products and an addition each, and the greatest of them. */
function operationsOf({ init }: DynamicShiftMax): Required<Operations> {
  const sums = init.length / 2;
  return { multiplications: init.length, adds: sums, comparisons: sums - 1 };
}

/** Products of pixels and coefficients, which the authors count as multiply–accumulates and our totals do not. */
export function shiftMaxProducts(x: Shape, { init }: DynamicShiftMax): number {
  return init.length * size(x);
}

/** One channel of one image: where it and its shifted counterpart begin, its coefficients, and where each one's gate is. */
interface Plane {
  readonly from: number;
  readonly shifted: number;
  readonly coefficients: readonly number[];
  readonly gates: readonly number[];
}

function* planes(x: Shape, gates: ReferenceTensor, { groups, range, init }: DynamicShiftMax): Generator<Plane> {
  const [n, c, h, w] = x;
  for (let i = 0; i < n * c; i++) {
    const channel = i % c;
    const places = init.map((_, part) => (i - channel) * init.length + part * c + channel);
    const coefficients = init.map((start, part) => start + range * (2 * gates.data[places[part]] - 1));
    const shifted = i - channel + shiftedChannel(channel, c, groups);
    yield { from: i * h * w, shifted: shifted * h * w, coefficients, gates: places };
  }
}

/** Which sum is the greatest (the first of equals), and what it is. */
function greatest(x: number, shifted: number, coefficients: readonly number[]): { sum: number; at: number } {
  let [sum, at] = [coefficients[0] * x + coefficients[1] * shifted, 0];
  for (let i = 2; i < coefficients.length; i += 2) {
    const other = coefficients[i] * x + coefficients[i + 1] * shifted;
    if (other > sum) [sum, at] = [other, i];
  }
  return { sum, at };
}

/** (x [n, c, h, w], gates [n, 2 · K · c]) → max over k of a_k · x + b_k · x'. */
export const dynamicShiftMax: Op<DynamicShiftMax> = defineOp<DynamicShiftMax>({
  name: "dynamicShiftMax",
  takesEpilogue: true,

  shape([x, gates], attrs) {
    needGates(x, gates, attrs);
    return x;
  },

  cost([x, gates], attrs, outputs) {
    const coefficients = operationsCost(size(gates), { multiplications: 1, adds: 1 }, [gates], []);
    return sumCosts([operationsCost(size(x), operationsOf(attrs), [x], outputs), coefficients]);
  },

  // Channels still meet by a roll of groups where those have been interleaved: of as many as each had channels.
  reorder({ places }, [x, gates], attrs) {
    const groups = regrouped(places, attrs.groups);
    if (groups === undefined) return undefined;
    return { attrs: { ...attrs, groups }, operands: [x, [(gates[0] * gates[1]) / x[1], x[1]]], isKept: true };
  },

  reference(y, [x, gates], attrs) {
    const area = x.shape[2] * x.shape[3];
    for (const { from, shifted, coefficients } of planes(x.shape, gates, attrs)) {
      for (let i = 0; i < area; i++) y.data[from + i] = greatest(x.data[from + i], x.data[shifted + i], coefficients).sum;
    }
  },
});

/** (x, gates, dy) → [dx, dgates]: all goes to the greatest sum, the first of equals. */
export const dynamicShiftMaxGradient: Op<DynamicShiftMax> = defineOp<DynamicShiftMax>({
  name: "dynamicShiftMaxGradient",

  shape([x, gates, dy], attrs) {
    needGates(x, gates, attrs);
    need(isSameShape(dy, x), () => `the output's gradient is ${formatShape(dy)}, needed ${formatShape(x)}`);
    return [x, gates];
  },

  // The sums again, then two products and one addition for dx, two of each for dgates.
  cost([x, gates, dy], attrs, outputs) {
    const { multiplications, adds, comparisons } = operationsOf(attrs);
    const each = { multiplications: multiplications + 4, adds: adds + 3, comparisons };
    const coefficients = operationsCost(size(gates), { multiplications: 2, adds: 1 }, [gates], []);
    return sumCosts([operationsCost(size(x), each, [x, dy], outputs), coefficients]);
  },

  reference(dx, [x, gates, dy], attrs, [, dgates]) {
    const area = x.shape[2] * x.shape[3];
    dx.data.fill(0);
    dgates.data.fill(0);
    for (const { from, shifted, coefficients, gates: places } of planes(x.shape, gates, attrs)) {
      for (let i = 0; i < area; i++) {
        const slope = dy.data[from + i];
        const [own, other] = [x.data[from + i], x.data[shifted + i]];
        const { at } = greatest(own, other, coefficients);
        dx.data[from + i] += slope * coefficients[at];
        dx.data[shifted + i] += slope * coefficients[at + 1];
        dgates.data[places[at]] += 2 * attrs.range * slope * own;
        dgates.data[places[at + 1]] += 2 * attrs.range * slope * other;
      }
    }
  },
});
