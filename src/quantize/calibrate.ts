/** Runs a float graph on sample images and looks at every value that integers may stand for. */
import { DataError } from "../core/errors.ts";
import { size } from "../core/shape.ts";
import type { Tensor } from "../core/tensor.ts";
import type { Backend, Weights } from "../engine/session.ts";
import type { Graph, Value } from "../ir/graph.ts";
import type { Range } from "../ir/integer.ts";
import { extendScope } from "../ir/scope.ts";
import { removeDead } from "../passes/removeDead.ts";
import { count, type Histogram, histogram } from "./histogram.ts";

/** Fewest sample images: fewer say too little about ranges. */
export const FEWEST_IMAGES = 8;

/** The inputs of a run, by name; the same batches every time it is called. */
export type Batches = () => AsyncIterable<Readonly<Record<string, Tensor>>>;

/** What calibration works on: a graph for inference (folded, not fused), its weights and samples. */
export interface Calibration {
  readonly graph: Graph;
  readonly weights: Weights;
  readonly batches: Batches;
  readonly backend: Backend;
  /** Elements of values that are looked at in one pass over the samples, since all of them are kept while the graph runs. */
  readonly mostElements?: number;
}

/** Values of which ranges are wanted: activations, given or computed. */
function observed(graph: Graph): readonly Value[] {
  return [...graph.leaves.filter(({ kind }) => kind === "input"), ...graph.nodes.flatMap(({ outputs }) => outputs)];
}

const nameOf = (value: Value): string => `value ${value.id}`;

/** Runs of values that are small enough to be kept together. */
export function partsOf(values: readonly Value[], mostElements: number): readonly (readonly Value[])[] {
  const parts: Value[][] = [];
  let held = Number.POSITIVE_INFINITY;
  for (const value of values) {
    const elements = size(value.shape);
    if (held + elements > mostElements) {
      parts.push([]);
      held = 0;
    }
    parts.at(-1)?.push(value);
    held += elements;
  }
  return parts;
}

/** As much of a graph as computes some values, which are its outputs. */
function instrumented(graph: Graph, values: readonly Value[]): Graph {
  const g = extendScope({ ...graph, outputs: {} });
  for (const value of values) if (value.kind !== "input") g.output(nameOf(value), value);
  return removeDead(g.finish());
}

/** Shows the elements of every observed value, batch after batch; returns the number of images. */
async function observe(calibration: Calibration, see: (value: Value, elements: Float32Array) => void): Promise<number> {
  const { graph, weights, batches, backend, mostElements = 2 ** 27 } = calibration;
  let images = 0;
  for (const [i, part] of partsOf(observed(graph), mostElements).entries()) {
    using session = await backend.open(instrumented(graph, part), weights);
    for await (const inputs of batches()) {
      const outputs = session.run(inputs);
      for (const value of part) see(value, (value.kind === "input" ? inputs[value.name as string] : outputs[nameOf(value)]).data);
      if (i === 0) images += Object.values(inputs)[0].shape[0];
    }
  }
  return images;
}

/** What is known of a value after the first look: by channel (axis 1), the largest element and the sum. */
interface Extremes extends Range {
  readonly highs: Float64Array;
  readonly sums: Float64Array;
  readonly elements: number;
}

function widen(known: Map<Value, Extremes>, value: Value, elements: Float32Array): void {
  const [images, channels = 1] = value.shape;
  const { highs, sums, ...held } = known.get(value) ?? {
    low: Number.POSITIVE_INFINITY,
    high: Number.NEGATIVE_INFINITY,
    highs: new Float64Array(channels).fill(Number.NEGATIVE_INFINITY),
    sums: new Float64Array(channels),
    elements: 0,
  };
  let { low, high } = held;
  const area = elements.length / (images * channels);
  for (let plane = 0; plane < images * channels; plane++) {
    const channel = plane % channels;
    for (let i = plane * area; i < (plane + 1) * area; i++) {
      const x = elements[i];
      if (x < low) low = x;
      if (x > high) high = x;
      if (x > highs[channel]) highs[channel] = x;
      sums[channel] += x;
    }
  }
  known.set(value, { low, high, highs, sums, elements: held.elements + elements.length });
}

function refuseUseless(graph: Graph, ranges: ReadonlyMap<Value, Range>, images: number): void {
  if (images < FEWEST_IMAGES)
    throw new DataError(`calibration needs at least ${FEWEST_IMAGES} images, found ${images === 0 ? "none" : images}`);
  for (const value of observed(graph)) {
    const { low, high } = ranges.get(value) as Range;
    if (!(Number.isFinite(low) && Number.isFinite(high)))
      throw new DataError(`calibration: a value of ${value.producer?.scope ?? value.name} is not finite on these images`);
    if (value.kind === "input" && low === high)
      throw new DataError(`calibration: every pixel of the ${images} images is the same; images that differ are needed`);
  }
}

/** What the samples tell of one value. */
export interface Observation {
  readonly distribution: Histogram;
  /** By channel: the largest element, the mean. */
  readonly highs: Float64Array;
  readonly means: Float64Array;
}

/** What the samples tell of every activation. Refuses samples that are too few, constant or give no numbers. */
export async function calibrate(calibration: Calibration): Promise<ReadonlyMap<Value, Observation>> {
  const known = new Map<Value, Extremes>();
  const images = await observe(calibration, (value, elements) => widen(known, value, elements));
  refuseUseless(calibration.graph, known, images);
  const distributions = new Map([...known].map(([value, range]) => [value, histogram(range)]));
  await observe(calibration, (value, elements) => count(distributions.get(value) as Histogram, elements));
  return new Map(
    [...known].map(([value, { highs, sums, elements }]) => {
      const perChannel = elements / sums.length;
      return [value, { distribution: distributions.get(value) as Histogram, highs, means: sums.map((sum) => sum / perChannel) }];
    }),
  );
}
