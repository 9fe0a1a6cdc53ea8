/**
 * Integer weights from float ones, for given scales of the activations. Every output has a scale of its own. The scale of sums of 16 bits is
 * a multiple of 2⁻¹⁵ of the scales' ratio, so that shrinking them by that factor costs no accuracy, and large enough for no sum to overflow.
 */
import { size } from "../core/shape.ts";
import type { Tensor } from "../core/tensor.ts";
import type { Value } from "../ir/graph.ts";
import { blockTotal, MOST_WEIGHT, signedTotal } from "../ops/integerSums.ts";
import type { FilterTask } from "../passes/toInteger.ts";

const MOST = 127;
const MOST_SHORT = 32_767;
const UNIT = 32_768;

/** One output's part of a task. */
interface Filter {
  /** [inputs][taps] */
  readonly weights: Float32Array;
  readonly taps: number;
  readonly bias: number;
  readonly task: FilterTask;
  /** What the sums are multiplied by and what is added, in floats, where a normalisation follows. */
  readonly norm: { readonly scale: number; readonly shift: number };
  /** What each weight meets on average, where the mean error of the rounded weights is to be taken out of the bias. */
  readonly means?: Float64Array;
}

interface Wide {
  readonly integers: Int8Array;
  readonly ratio: number;
  readonly offset: number;
}

interface Narrow {
  readonly integers: Int8Array;
  readonly bias: number;
  readonly factor: number;
}

function largest(weights: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < weights.length; i++) most = Math.max(most, Math.abs(weights[i]));
  return most;
}

function total(integers: Int8Array): number {
  let sum = 0;
  for (const weight of integers) sum += weight;
  return sum;
}

function integersOf(weights: Float32Array, scale: number): Int8Array {
  return Int8Array.from(weights, (weight) => Math.max(-MOST, Math.min(MOST, Math.round(weight / scale))));
}

/** The bias less what rounding the weights adds to the mean of the sums. */
function correctedBias({ weights, bias, means }: Filter, integers: Int8Array, scale: number): number {
  let error = 0;
  if (means) for (let i = 0; i < weights.length; i++) error += (integers[i] * scale - weights[i]) * means[i];
  return bias - error;
}

/** Weights as integers of the input's scale; what lies beyond those of 7 bits is a constant of every sum, exactly. */
function distanceFilter({ weights, bias, task: { input, output }, norm }: Filter): Wide {
  const outputScale = output?.scale ?? 1;
  const ratio = Math.fround((input.scale * norm.scale) / outputScale);
  let beyond = 0;
  const integers = Int8Array.from(weights, (weight) => {
    const place = Math.round(weight / input.scale + input.zero);
    const held = Math.max(0, Math.min(MOST, place));
    beyond += Math.abs(place - held);
    return held;
  });
  const rounding = output ? output.zero + 0.5 : 0;
  return { integers, ratio, offset: (bias * norm.scale + norm.shift) / outputScale - beyond * ratio + rounding };
}

function wideFilter(filter: Filter): Wide {
  const { weights, taps, task, norm } = filter;
  if (task.similarity === "l1") return distanceFilter(filter);
  const { input, output } = task;
  const outputScale = output?.scale ?? 1;
  let scale = largest(weights) / MOST || outputScale / input.scale / UNIT;
  let integers = integersOf(weights, scale);
  for (let total = blockTotal(integers, taps); total > MOST_WEIGHT; total = blockTotal(integers, taps)) {
    scale *= Math.max(total / MOST_WEIGHT, 1.001);
    integers = integersOf(weights, scale);
  }
  const ratio = Math.fround((input.scale * scale * norm.scale) / outputScale);
  const rounding = output ? output.zero + 0.5 : 0;
  return {
    integers,
    ratio,
    offset:
      (correctedBias(filter, integers, scale) * norm.scale + norm.shift) / outputScale - input.zero * total(integers) * ratio + rounding,
  };
}

/** The least factor from which on a saturated sum is beyond every result. */
const leastFactor = { u7: 130, u8: 260 } as const;

function narrowFilter(filter: Filter): Narrow {
  const { weights, task } = filter;
  const { input, output = input, to } = task;
  const perFactor = output.scale / input.scale / UNIT;
  const needed = Math.ceil(largest(weights) / MOST / perFactor);
  let factor = Math.max(needed, leastFactor[to === "u8" ? "u8" : "u7"]);
  for (;;) {
    factor = Math.min(factor, MOST_SHORT);
    const integers = integersOf(weights, factor * perFactor);
    const bias = correctedBias(filter, integers, factor * perFactor);
    const start = Math.round(((bias / output.scale + output.zero) * UNIT) / factor - input.zero * total(integers));
    const excess = Math.max(signedTotal(integers) / MOST_WEIGHT, Math.abs(start) / MOST_SHORT);
    if (excess <= 1) return { integers, bias: start, factor };
    if (factor === MOST_SHORT) return { integers: integers.fill(0), bias: Math.sign(start) * MOST_SHORT, factor };
    factor = Math.ceil(factor * Math.max(excess, 1.001));
  }
}

function normOf({ norm }: FilterTask, weights: ReadonlyMap<string, Tensor>, output: number): Filter["norm"] {
  if (!norm) return { scale: 1, shift: 0 };
  const [gamma, beta, mean, variance] = [norm.gamma, norm.beta, norm.mean, norm.variance].map(
    (name) => (weights.get(name) as Tensor).data[output],
  );
  const scale = gamma / Math.sqrt(variance + norm.eps);
  return { scale, shift: beta - mean * scale };
}

/** The mean that each weight of a group meets: its channel's, for all taps. */
function metMeans(means: Float64Array, shape: readonly number[], output: number): Float64Array {
  const [outputs, inner] = shape;
  const groups = means.length / inner;
  const first = Math.floor((output * groups) / outputs) * inner;
  const taps = size(shape.slice(2));
  return Float64Array.from({ length: inner * taps }, (_, i) => means[first + Math.floor(i / taps)]);
}

function filtersOf(
  task: FilterTask,
  weights: ReadonlyMap<string, Tensor>,
  meansOf: MeansOf,
): { shape: readonly number[]; filters: Filter[] } {
  const { shape, data } = weights.get(task.weight) as Tensor;
  const bias = task.bias === undefined ? undefined : weights.get(task.bias)?.data;
  const length = data.length / shape[0];
  const means = task.similarity === "product" ? meansOf(task.source) : undefined;
  const filters = Array.from({ length: shape[0] }, (_, o) => ({
    weights: data.subarray(o * length, (o + 1) * length),
    taps: size(shape.slice(2)),
    bias: bias?.[o] ?? 0,
    task,
    norm: normOf(task, weights, o),
    ...(means ? { means: metMeans(means, shape, o) } : {}),
  }));
  return { shape, filters };
}

function put(into: Map<string, Tensor>, name: string, shape: readonly number[], numbers: Iterable<number>): void {
  into.set(name, { shape, data: Float32Array.from(numbers) });
}

/** The mean of each channel of a value; undefined where biases are not corrected. */
export type MeansOf = (value: Value) => Float64Array | undefined;

/** The integer leaves of all layers, by name, from the float weights. */
export function integerWeights(
  filters: readonly FilterTask[],
  weights: ReadonlyMap<string, Tensor>,
  meansOf: MeansOf = () => undefined,
): Map<string, Tensor> {
  const leaves = new Map<string, Tensor>();
  for (const task of filters) {
    const { shape, filters: each } = filtersOf(task, weights, meansOf);
    const row = [shape[0]];
    const integers = (all: readonly { readonly integers: Int8Array }[]): number[] => all.flatMap((filter) => [...filter.integers]);
    if (task.leaves.kind === "wide") {
      const wide = each.map(wideFilter);
      put(leaves, task.leaves.weight, shape, integers(wide));
      put(
        leaves,
        task.leaves.ratio,
        row,
        wide.map(({ ratio }) => ratio),
      );
      put(
        leaves,
        task.leaves.offset,
        row,
        wide.map(({ offset }) => offset),
      );
    } else {
      const narrow = each.map(narrowFilter);
      put(leaves, task.leaves.weight, shape, integers(narrow));
      put(
        leaves,
        task.leaves.bias,
        row,
        narrow.map(({ bias }) => bias),
      );
      put(
        leaves,
        task.leaves.factor,
        row,
        narrow.map(({ factor }) => factor),
      );
    }
  }
  return leaves;
}
