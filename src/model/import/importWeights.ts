/** From tensors under a reference's names to a model of ours, with an account of every tensor. */
import { FormatError, OptionError } from "../../core/errors.ts";
import { formatShape, isSameShape, type Shape } from "../../core/shape.ts";
import { type Tensor, tensor, zeros } from "../../core/tensor.ts";
import { checkPreprocessing, type Preprocessing } from "../../data/preprocessing.ts";
import { buildNetwork, findNetwork, type NetworkOptions } from "../../networks/index.ts";
import { initialise } from "../../train/initialise.ts";
import type { Model } from "../model.ts";
import { type Asked, type Candidate, candidateOf, isCounter, type Needed, recognise } from "./recognise.ts";
import type { SourcePixels } from "./sources.ts";

type Tensors = ReadonlyMap<string, Tensor>;

/** What became of a tensor: `new` ones belong to a classifier that starts anew. */
export type Fate = "matched" | "new" | "missing" | "unexpected" | "misshapen";

/** One tensor of the file or of the network. */
export interface TensorRow {
  /** In the file's names, without what stands in front of all of them. */
  readonly name: string;
  readonly fate: Fate;
  readonly found?: Shape;
  readonly needed?: Shape;
}

/** How weights are imported. */
export interface ImportOptions extends Asked {
  /** Classes of the model; by default the file's. Another number keeps the backbone and starts a new classifier. */
  readonly classes?: number;
  readonly labels?: readonly string[];
  /** Tensors that are missing or misshapen start anew, those that are too many are left out. */
  readonly isPartial?: boolean;
  /** Where the file's own record says otherwise than its source usually. */
  readonly pixels?: Partial<SourcePixels>;
  /** Key of what starts anew. */
  readonly seed?: number;
  /** More for the model's provenance. */
  readonly provenance?: Readonly<Record<string, unknown>>;
}

/** A model, and how it came about. */
export interface ImportedWeights {
  /** Absent where a tensor does not fit and `isPartial` is not set. */
  readonly model?: Model;
  readonly from: string;
  readonly network: string;
  readonly options: NetworkOptions;
  /** Classes of the weights in the file, where it has a classifier. */
  readonly classesInFile?: number;
  readonly rows: readonly TensorRow[];
}

/** What training programs put in front of every name. */
const wrappers = ["module.", "_orig_mod.", "model."];

/** The tensors without a wrapper's prefix, where every name has it. */
function unwrapped(tensors: Tensors): Tensors {
  const prefix = wrappers.find((each) => [...tensors.keys()].every((name) => name.startsWith(each)));
  if (prefix === undefined) return tensors;
  return unwrapped(new Map([...tensors].map(([name, each]) => [name.slice(prefix.length), each])));
}

/** Whose weights a file holds. */
export interface RecognisedWeights {
  readonly tensors: Tensors;
  readonly candidate: Candidate;
  /** Of the classifier in the file, where it has one. */
  readonly classesInFile?: number;
}

/** Finds the network that tensors belong to; `where` begins every error. */
export function recogniseWeights(given: Tensors, asked: Asked, where: string): RecognisedWeights {
  const tensors = unwrapped(given);
  const candidate = recognise(tensors, asked, where);
  return { tensors, candidate, classesInFile: classesOf(tensors, candidate, asked) };
}

/** The model that recognised weights give. */
export function makeModel(recognised: RecognisedWeights, options: ImportOptions, where: string): ImportedWeights {
  const { tensors, classesInFile } = recognised;
  const { source, options: own } = recognised.candidate;
  const asked = askedClasses(options);
  const classes = asked ?? classesInFile ?? publishedClasses(recognised.candidate);
  const candidate = candidateOf(source, own.width ?? 1, options, classes);
  const fresh = asked === undefined || asked === classesInFile ? new Set<string>() : classifierOf(candidate, options, classes);
  const rows = account(tensors, candidate, fresh);
  const result = { from: source.from, network: source.network, options: candidate.options, classesInFile, rows };
  if (rows.some(({ fate }) => fate !== "matched" && fate !== "new") && !options.isPartial) return result;
  checkFinite(tensors, rows, where);
  return { ...result, model: modelOf(tensors, candidate, classes, rows, options) };
}

/** The model that a file's tensors give; `where` begins every error. */
export function importWeights(tensors: Tensors, options: ImportOptions = {}, where = "weights"): ImportedWeights {
  return makeModel(recogniseWeights(tensors, options, where), options, where);
}

function publishedClasses({ source }: Candidate): number {
  return findNetwork(source.network).classes ?? 1000;
}

function askedClasses({ classes, labels }: ImportOptions): number | undefined {
  if (classes !== undefined && labels !== undefined && classes !== labels.length)
    throw new OptionError(`${labels.length} labels for ${classes} classes; it needs one label for each`);
  return labels?.length ?? classes;
}

/** Names (the reference's) whose shapes depend on the number of classes. */
function classifierOf({ source, options, needed }: Candidate, known: Asked, classes: number): Set<string> {
  const other = candidateOf(source, options.width ?? 1, known, classes + 1).needed;
  const differs = ([name, { shape }]: [string, Needed]): boolean => !isSameShape(shape, other.get(name)?.shape ?? []);
  return new Set([...needed].filter(differs).map(([name]) => name));
}

/** Classes of the classifier in the file: the extent of the axis that they decide; undefined where it has none. */
function classesOf(tensors: Tensors, candidate: Candidate, known: Asked): number | undefined {
  const classes = publishedClasses(candidate);
  for (const name of classifierOf(candidate, known, classes)) {
    const found = tensors.get(name)?.shape;
    const shape = candidate.needed.get(name)?.shape ?? [];
    const axis = shape.indexOf(classes);
    const isAlike = found && found.length === shape.length && shape.every((extent, i) => i === axis || extent === found[i]);
    if (isAlike && found[axis] > 0) return found[axis];
  }
  return undefined;
}

function account(tensors: Tensors, { needed }: Candidate, fresh: ReadonlySet<string>): TensorRow[] {
  const rows: TensorRow[] = [];
  for (const [name, { shape }] of needed) {
    const found = tensors.get(name)?.shape;
    const fits = found !== undefined && isSameShape(found, shape);
    // A counter that nobody kept is 0.
    if (found === undefined && isCounter(name)) continue;
    const fate = fresh.has(name) ? "new" : found === undefined ? "missing" : fits ? "matched" : "misshapen";
    rows.push({ name, fate, ...(found ? { found } : {}), needed: shape });
  }
  for (const [name, { shape }] of tensors) if (!needed.has(name)) rows.push({ name, fate: "unexpected", found: shape });
  return rows;
}

function checkFinite(tensors: Tensors, rows: readonly TensorRow[], where: string): void {
  for (const { name, fate } of rows) {
    const data = fate === "matched" ? tensors.get(name)?.data : undefined;
    const at = data?.findIndex((x) => !Number.isFinite(x)) ?? -1;
    if (data && at >= 0)
      throw new FormatError(`${where}: element ${at} of ${JSON.stringify(name)} is ${data[at]}; a model's weights need to be finite`);
  }
}

function modelOf(tensors: Tensors, candidate: Candidate, classes: number, rows: readonly TensorRow[], given: ImportOptions): Model {
  const { source, options, needed } = candidate;
  const pixels = { ...source.pixels, ...given.pixels };
  const start = initialise(buildNetwork(source.network, { ...options, classes, size: pixels.size }), given.seed ?? 0);
  const matched = new Set(rows.filter(({ fate }) => fate === "matched").map(({ name }) => name));
  const weights = new Map<string, Tensor>();
  for (const [name, { ours }] of needed) {
    const own = start.get(ours) as Tensor;
    const held = matched.has(name) ? (tensors.get(name) as Tensor) : undefined;
    const fitting = held ? tensor(own.shape, held.data) : isCounter(name) ? zeros(own.shape) : own;
    weights.set(ours, ours === pixels.bgr ? inputsReversed(fitting) : fitting);
  }
  const fates = Object.fromEntries([...Map.groupBy(rows, ({ fate }) => fate)].map(([fate, { length }]) => [fate, length]));
  return {
    network: source.network,
    options,
    labels: given.labels ?? numbered(classes),
    preprocessing: preprocessingOf(pixels),
    weights,
    provenance: { ...given.provenance, from: source.from, tensors: fates },
    metrics: {},
  };
}

/** A filter with its input channels in the opposite order: what met blue meets red. */
function inputsReversed({ shape, data }: Tensor): Tensor {
  const [out, inputs, ...kernel] = shape;
  const area = kernel.reduce((product, extent) => product * extent, 1);
  const result = new Float32Array(data.length);
  for (let o = 0; o < out; o++)
    for (let c = 0; c < inputs; c++) {
      const from = (o * inputs + c) * area;
      result.set(data.subarray(from, from + area), (o * inputs + inputs - 1 - c) * area);
    }
  return tensor(shape, result);
}

function preprocessingOf({ size, share, mean, std }: SourcePixels): Preprocessing {
  return checkPreprocessing({ size, channels: 3, fit: "crop", ...(share === 1 ? {} : { share }), mean, std });
}

/** Labels where none are known. */
function numbered(classes: number): string[] {
  return Array.from({ length: classes }, (_, i) => `class ${i}`);
}

/** What does not fit, in words. */
export function misfit({ name, fate, found, needed }: TensorRow): string {
  const of = (shape: Shape | undefined): string => (shape ? formatShape(shape) : "");
  if (fate === "missing") return `lacks ${JSON.stringify(name)} ${of(needed)}`;
  if (fate === "unexpected") return `${JSON.stringify(name)} ${of(found)} has no place`;
  return `${JSON.stringify(name)} is ${of(found)}, needs ${of(needed)}`;
}
