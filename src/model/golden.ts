/** A model's answers to images made by a formula: two programs that give the same ones hold the same network. */
import { wasmBackend } from "../backends/wasm/index.ts";
import { DataError, FormatError } from "../core/errors.ts";
import { hashName, mix32 } from "../core/random.ts";
import { type Shape, size } from "../core/shape.ts";
import type { Tensor } from "../core/tensor.ts";
import { parseStrictJson, type StrictJson } from "../formats/strictJson.ts";
import type { Model } from "./model.ts";
import { runnable } from "./runnable.ts";

/** golden.json of a folder for PyTorch. */
export interface Golden {
  /** SHA-256 of the weights' file. */
  readonly weights: string;
  readonly logits: readonly (readonly number[])[];
  /** Largest difference that is no fault, as a share of the largest logit. */
  readonly tolerance: number;
  /** Who has computed the logits. */
  readonly by: string;
}

const FORMAT = "goldcrest.golden";
const IMAGES = 2;
const NAME = "image";
const SCALE = 1.5;
/** Two float32 engines differ by less than a tenth of this on well-conditioned weights. */
const LEAST_TOLERANCE = 1e-4;
/** Logits that move more than this for nothing prove nothing. */
const MOST_TOLERANCE = 1e-2;
/** Relative change of the images by which the conditioning is measured, and how many times its effect is no fault. */
const NUDGE = 1e-6;
const MARGIN = 4;
const WEYL = 0x9e3779b9;

function inputShape({ preprocessing: { size: side, channels } }: Model): Shape {
  return [IMAGES, channels, side, side];
}

/** The i-th number of a name's stream, from −1 to 1: FNV-1a of the name, then murmur3's finaliser for each element. */
function streamOf(name: string): (i: number) => number {
  const seed = hashName(name);
  return (i) => 2 * ((mix32((seed + Math.imul(i, WEYL)) >>> 0) >>> 8) / 2 ** 24) - 1;
}

/** The images, or images that differ from them by a relative `nudge`. */
function goldenImages(shape: Shape, nudge = 0): Tensor {
  const [pixel, change] = [streamOf(NAME), streamOf("nudge")];
  return { shape, data: Float32Array.from({ length: size(shape) }, (_, i) => SCALE * pixel(i) * (1 + nudge * change(i))) };
}

/** Our logits for the golden images, and how far others may be from them: as far as float32 itself is, by the effect of a nudge. */
export async function goldenLogits(model: Model): Promise<Pick<Golden, "logits" | "tolerance">> {
  const { graph, weights } = runnable(model, IMAGES);
  using session = await wasmBackend.open(graph, weights, { exact: true, isRelaxedAllowed: false });
  const run = (nudge?: number): Golden["logits"] => {
    const { shape, data } = session.run({ image: goldenImages(inputShape(model), nudge) }).logits;
    return Array.from({ length: IMAGES }, (_, n) => [...data.subarray(n * shape[1], (n + 1) * shape[1])]);
  };
  const logits = run();
  if (!logits.flat().every(Number.isFinite)) {
    throw new DataError("the logits of the golden images are not finite: the model's weights have diverged");
  }
  const effect = MARGIN * largestDifference(run(NUDGE), logits);
  return { logits, tolerance: Math.min(MOST_TOLERANCE, Math.max(LEAST_TOLERANCE, effect)) };
}

/** The text of golden.json; `files` are the SHA-256 of the other files as they were written. */
export function goldenText(model: Model, golden: Golden, files: Readonly<Record<string, string>>): string {
  const input = { name: NAME, scale: SCALE, shape: inputShape(model) };
  return `${JSON.stringify({ format: FORMAT, version: 1, input, ...golden, files }, undefined, 1)}\n`;
}

/** The document, of a bounded number of members. */
function parseGolden(text: string, members: number, where: string): ReadonlyMap<string, StrictJson> {
  const content = parseStrictJson(text, where, { depth: 4, members });
  if (content instanceof Map && content.get("format") === FORMAT && content.get("version") === 1) return content;
  throw new FormatError(`${where}: not the logits of a model (needs "format" ${JSON.stringify(FORMAT)}, "version" 1)`);
}

/** The SHA-256 of each file of an export as it was written. */
export function readHashes(text: string, where: string): ReadonlyMap<string, StrictJson> {
  const files = parseGolden(text, 10_000_000, where).get("files");
  return files instanceof Map ? files : new Map();
}

/** Reads golden.json, whoever wrote it; the logits must be as many as the model's. Its tolerance is not read: a file cannot loosen ours. */
export function readGolden(text: string, model: Model, where: string): Omit<Golden, "tolerance"> {
  const refuse = (field: string, needed: string): never => {
    throw new FormatError(`${where}: "${field}" is unusable; it needs ${needed}`);
  };
  const content = parseGolden(text, 100 + IMAGES * (model.labels.length + 1), where);
  const [weights, by, logits] = ["weights", "by", "logits"].map((name) => content.get(name));
  if (typeof weights !== "string") return refuse("weights", "the SHA-256 of the weights' file");
  const isRow = (row: StrictJson): boolean => Array.isArray(row) && row.length === model.labels.length && row.every(Number.isFinite);
  if (!Array.isArray(logits) || logits.length !== IMAGES || !logits.every(isRow)) {
    return refuse("logits", `${IMAGES} rows of ${model.labels.length} finite numbers`);
  }
  return { weights, by: String(by), logits: logits as number[][] };
}

/** The largest difference of two sets of logits, as a share of the largest of the expected ones. */
export function largestDifference(found: Golden["logits"], expected: Golden["logits"]): number {
  const most = expected.flat().reduce((largest, x) => Math.max(largest, Math.abs(x)), Number.MIN_VALUE);
  const flat = found.flat();
  return expected.flat().reduce((largest, x, i) => Math.max(largest, Math.abs(x - flat[i]) / most), 0);
}
