/** A model's ranges: calibrated on sample images, by the way of choosing them that comes closest to the floats. */
import { wasmBackend } from "../backends/wasm/index.ts";
import { DataError, OptionError } from "../core/errors.ts";
import { random } from "../core/random.ts";
import type { Tensor } from "../core/tensor.ts";
import type { Dataset } from "../data/dataset.ts";
import { openLoader } from "../data/loader.ts";
import type { Backend } from "../engine/session.ts";
import type { Value } from "../ir/graph.ts";
import type { Range } from "../ir/integer.ts";
import type { Weighted } from "../passes/foldConstants.ts";
import { fold } from "../passes/index.ts";
import { type Batches, calibrate, FEWEST_IMAGES, type Observation } from "../quantize/calibrate.ts";
import { equalise } from "../quantize/equalise.ts";
import { chooseRange, type RangeMethod, rangeMethods } from "../quantize/histogram.ts";
import { type Quantized, quantizeGraph } from "../quantize/quantize.ts";
import type { Model } from "./model.ts";
import { modelGraph } from "./modelGraph.ts";

/** How a model is quantised. */
export interface QuantizeOptions {
  /** Images to choose from; all where absent. */
  readonly indices?: Uint32Array;
  /** Images to look at, drawn by the seed. Default 128. */
  readonly images?: number;
  readonly seed?: number;
  /** One way to choose ranges; by default the best of all. */
  readonly method?: RangeMethod;
  readonly backend?: Backend;
  readonly onProgress?: (share: number, what: string) => void;
}

/** Images of a run. */
export const BATCH = 8;

/** The images to look at: whole batches, drawn without repetition. */
function sampled(data: Dataset, { indices, images = 128, seed = 0 }: QuantizeOptions): Uint32Array {
  const all = indices ?? Uint32Array.from({ length: data.count }, (_, index) => index);
  const wanted = Math.min(images, all.length);
  if (wanted < FEWEST_IMAGES)
    throw new DataError(`${data.name}: calibration needs at least ${FEWEST_IMAGES} images, found ${wanted === 0 ? "none" : wanted}`);
  const { integer } = random(seed, "calibration");
  const drawn = all.slice();
  const count = wanted - (wanted % BATCH);
  for (let i = 0; i < count; i++) {
    const j = i + integer(i, drawn.length - i);
    [drawn[i], drawn[j]] = [drawn[j], drawn[i]];
  }
  return drawn.subarray(0, count);
}

/** The prepared images, batch after batch, as inputs of the folded graph. */
async function loaded({ preprocessing }: Model, data: Dataset, indices: Uint32Array, graph: Weighted["graph"]): Promise<readonly Tensor[]> {
  const { shape } = graph.leaves.find(({ kind }) => kind === "input") as Value;
  const loader = openLoader(data, indices, { preprocessing, batch: BATCH });
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const batches: Tensor[] = [];
  for (let batch = 0; batch < loader.batches; batch++) {
    const image = { shape, strides, data: new Float32Array(strides[0] * shape[0]) };
    const { count } = await loader.fill(0, batch, image);
    if (count === BATCH) batches.push(image);
  }
  return batches;
}

/** One way: ranges, whether channels were evened out before, whether biases are corrected. */
export interface Way {
  /** How ranges were chosen, and whether channels were evened out. */
  readonly choice: string;
  /** The whole of it. */
  readonly name: string;
  readonly folded: Weighted;
  readonly ranges: ReadonlyMap<Value, Range>;
  readonly observations: ReadonlyMap<Value, Observation>;
  readonly isCorrected: boolean;
}

/** A folded graph in integers by a way. */
export function quantizedBy({ folded, ranges, observations, isCorrected }: Way, isObserved = false): Quantized {
  return quantizeGraph(folded, ranges, {
    isObserved,
    ...(isCorrected ? { meansOf: (value: Value) => observations.get(value)?.means } : {}),
  });
}

/** The outputs of a graph on batches of images. */
export async function outputsOf(
  { graph, weights }: Weighted,
  images: readonly Tensor[],
  backend: Backend,
): Promise<Record<string, Tensor>[]> {
  using session = await backend.open(graph, weights);
  const { name } = graph.leaves.find(({ kind }) => kind === "input") as Value;
  return images.map((image) => session.run({ [name as string]: image }));
}

/** Root mean square of the differences over that of what is wanted. */
export function relativeError(pairs: readonly (readonly [found: ArrayLike<number>, wanted: ArrayLike<number>])[]): number {
  let [difference, whole] = [0, 0];
  for (const [found, wanted] of pairs) {
    for (let i = 0; i < wanted.length; i++) {
      difference += (found[i] - wanted[i]) ** 2;
      whole += wanted[i] ** 2;
    }
  }
  return Math.sqrt(difference / Math.max(whole, Number.MIN_VALUE));
}

/** Every way to be tried: by method, with channels as they are or evened out, with biases as they are or corrected. */
async function waysOf(folded: Weighted, batches: Batches, backend: Backend, methods: readonly RangeMethod[]): Promise<readonly Way[]> {
  const plain = await calibrate({ ...folded, batches, backend });
  const even = equalise(folded, plain);
  const evened = await calibrate({ ...even, batches, backend });
  const starts = [
    { suffix: "", folded, observations: plain },
    { suffix: ", equalised", folded: even, observations: evened },
  ];
  return starts.flatMap(({ suffix, ...start }) =>
    methods.flatMap((method) => {
      const ranges = new Map([...start.observations].map(([value, { distribution }]) => [value, chooseRange(distribution, method)]));
      const choice = `${method}${suffix}`;
      return [false, true].map((isCorrected) => ({
        ...{ ...start, choice, ranges, isCorrected },
        name: `${choice}${isCorrected ? ", bias corrected" : ""}`,
      }));
    }),
  );
}

/** Images on which the ways are compared. */
const COMPARED = 64 / BATCH;

/** The way that comes closest to the floats, and how the others fared. */
export interface Calibrated {
  readonly best: Way;
  /** By way, the relative error of the logits. */
  readonly tried: Readonly<Record<string, number>>;
  /** Prepared, by batches. */
  readonly images: readonly Tensor[];
}

/** Looks for the ranges of a float model's activations. */
export async function calibrateModel(model: Model, data: Dataset, options: QuantizeOptions = {}): Promise<Calibrated> {
  if (model.quantisation) throw new OptionError("the model is quantised already; quantise the float model that it came from");
  const { backend = wasmBackend, method, onProgress = () => undefined } = options;
  const indices = sampled(data, options);
  const folded = fold(modelGraph(model, BATCH), model.weights);
  const images = await loaded(model, data, indices, folded.graph);
  onProgress(0.1, "calibrating");
  const name = folded.graph.leaves.find(({ kind }) => kind === "input")?.name as string;
  const batches: Batches = async function* () {
    for (const image of images) yield { [name]: image };
  };
  const ways = await waysOf(folded, batches, backend, method ? [method] : rangeMethods);
  const wanted = await outputsOf(folded, images.slice(0, COMPARED), backend);
  const tried: Record<string, number> = {};
  for (const [i, way] of ways.entries()) {
    onProgress(0.4 + (0.5 * i) / ways.length, way.name);
    const found = await outputsOf(quantizedBy(way), images.slice(0, COMPARED), backend);
    tried[way.name] = relativeError(found.map(({ logits }, run) => [logits.data, wanted[run].logits.data]));
  }
  return { best: ways.reduce((a, b) => (tried[b.name] < tried[a.name] ? b : a)), tried, images };
}
