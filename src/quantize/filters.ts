/** Integer weights from float ones, for given scales of the activations. Every output has a scale of its own (ops/filterScales.ts). */
import { size } from "../core/shape.ts";
import type { Tensor } from "../core/tensor.ts";
import type { Value } from "../ir/graph.ts";
import { MOST, narrowFilter, totalOf, wideFilter } from "../ops/filterScales.ts";
import { scalePlace } from "../passes/quantisation.ts";
import type { FilterTask } from "../passes/toInteger.ts";

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

function wideForm(filter: Filter): Wide {
  const { weights, taps, task, norm } = filter;
  if (task.similarity === "l1") return distanceFilter(filter);
  const { input, output } = task;
  const outputScale = output?.scale ?? 1;
  const { integers, scale } = wideFilter(weights, taps, scalePlace(task));
  const ratio = Math.fround((input.scale * scale * norm.scale) / outputScale);
  const rounding = output ? output.zero + 0.5 : 0;
  return {
    integers,
    ratio,
    offset:
      (correctedBias(filter, integers, scale) * norm.scale + norm.shift) / outputScale - input.zero * totalOf(integers) * ratio + rounding,
  };
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
  const means = task.similarity === "product" ? meansOf(task.layer.inputs[0]) : undefined;
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
      const wide = each.map(wideForm);
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
      const place = scalePlace(task);
      const narrow = each.map((filter) => {
        return narrowFilter(filter.weights, (rounded, scale) => correctedBias(filter, rounded, scale), place);
      });
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
