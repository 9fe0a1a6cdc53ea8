/** A model as a folder for PyTorch, and back. */
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { FileError, FormatError, OptionError } from "../core/errors.ts";
import { sha256 } from "../core/sha256.ts";
import type { NumericArray, Tensor } from "../core/tensor.ts";
import { readFileBytes } from "../data/imageFile.node.ts";
import { CARD_VERSION, checkModel } from "../formats/modelFile.ts";
import { pythonFiles, pythonText } from "../formats/pytorch/assets.node.ts";
import { pytorchClasses } from "../formats/pytorch/index.ts";
import { moduleText } from "../formats/pytorch/moduleText.ts";
import { pytorchReadme } from "../formats/pytorch/readme.ts";
import { parseSafetensors, serialiseSafetensors } from "../formats/safetensors.ts";
import { parseStrictJson } from "../formats/strictJson.ts";
import { type Graph, type Init, leavesOf } from "../ir/graph.ts";
import { buildNetwork } from "../networks/index.ts";
import { checkRecipe, type Recipe, recipe as recipeOf } from "../train/recipe.ts";
import { planStages } from "../train/stages.ts";
import { modelOf } from "./carried.ts";
import { goldenLogits, goldenText, largestDifference, readGolden, readHashes } from "./golden.ts";
import type { Model } from "./model.ts";
import { zoo } from "./zoo.ts";

const KEY = "goldcrest.pytorch";
const COUNT = "num_batches_tracked";
const WEIGHTS = "weights.safetensors";
const GOLDEN = "golden.json";
const MOST_GOLDEN_BYTES = 100_000_000;
/** Up to this side the recipe for small images is the one to begin with. */
const SMALL = 64;

/** Contents by name. */
export type Files = Readonly<Record<string, Uint8Array | string>>;

/** A trained model that came back, and how far our logits are from those that PyTorch computed with it. */
export interface ReturnedModel {
  readonly model: Model;
  /** As a share of the largest logit. */
  readonly difference: number;
  /** Who computed the logits it was compared with. */
  readonly by: string;
}

/** The recipe that a model was trained with; one for its size of images where it does not say. */
function ownRecipe({ provenance, preprocessing }: Model): Recipe {
  const { recipe } = provenance;
  if (typeof recipe === "object" && recipe !== null) return checkRecipe(recipe as Recipe);
  return recipeOf(preprocessing.size <= SMALL ? "small" : "photos");
}

/** The network as it is trained: its normalisations know their momentum, its branches are dropped. */
function graphForTraining({ network, options, labels, preprocessing }: Model, { dropout, stochasticDepth }: Recipe): Graph {
  const { size, channels } = preprocessing;
  const regularised = { ...(dropout === undefined ? {} : { dropout }), ...(stochasticDepth === undefined ? {} : { stochasticDepth }) };
  return buildNetwork(network, { ...options, ...regularised, classes: labels.length, batch: 2, size, channels, isTraining: true });
}

function startText(init: Init): Readonly<Record<string, number>> {
  if (init.kind === "normal") return { normal: init.std };
  return init.kind === "uniform" ? { uniform: init.bound } : { constant: init.value };
}

/** What train.py needs to know: the recipe, its stages, and the values that weights start with. */
function recipeText(recipe: Recipe, graph: Graph, size: number): string {
  const leaves = [...leavesOf(graph, "parameter"), ...leavesOf(graph, "state")];
  const initial = Object.fromEntries(leaves.flatMap(({ name = "", init }) => (init ? [[name, startText(init)]] : [])));
  const { stages: _, ...rest } = recipe;
  return `${JSON.stringify({ recipe: rest, stages: planStages(recipe, size), initial }, undefined, 1)}\n`;
}

/** PyTorch counts batches in 64-bit integers. */
function pytorchWeights({ weights }: Model): ReadonlyMap<string, Tensor<NumericArray>> {
  const stored = ([name, { shape, data }]: readonly [string, Tensor]): readonly [string, Tensor<NumericArray>] => [
    name,
    { shape, data: name.endsWith(COUNT) ? BigInt64Array.from(data, (x) => BigInt(Math.round(x))) : data },
  ];
  return new Map([...weights].map(stored));
}

/** The folder's files; `version` is Goldcrest's. */
export async function pytorchFolder(model: Model, version: string, asked?: Recipe): Promise<Files> {
  if (model.quantisation) {
    throw new OptionError(`a model of integers cannot be trained on in PyTorch; export the model that it was quantised from`);
  }
  const recipe = asked ?? ownRecipe(model);
  const graph = graphForTraining(model, recipe);
  const classes = pytorchClasses(graph, model.network, pythonText("layers.py"));
  const { weights: _, network, options, ...rest } = model;
  const card = JSON.stringify({ version: CARD_VERSION, network: { name: network, options }, ...rest });
  const by = `Goldcrest ${version}`;
  const about = `${network} for images of ${model.preprocessing.size} x ${model.preprocessing.size}, ${model.labels.length} labels. Written by ${by}.`;
  const files = {
    "README.md": pytorchReadme(model, by),
    "model.py": moduleText(pythonText("model.py"), classes, about),
    ...Object.fromEntries(pythonFiles.map((name) => [name, pythonText(name)])),
    "recipe.json": recipeText(recipe, graph, model.preprocessing.size),
    [WEIGHTS]: serialiseSafetensors(pytorchWeights(model), { [KEY]: card }),
  };
  const hashes: Record<string, string> = {};
  for (const [name, contents] of Object.entries(files)) hashes[name] = await hashOf(contents);
  return { ...files, [GOLDEN]: goldenText(model, { weights: hashes[WEIGHTS], by, ...(await goldenLogits(model)) }, hashes) };
}

function hashOf(contents: Uint8Array | string): Promise<string> {
  return sha256(typeof contents === "string" ? new TextEncoder().encode(contents) : contents);
}

/** True where a folder holds what an export wrote and nothing else: no training, no change by hand, no file of others. */
export async function isUntouchedPytorch(folder: string, names: readonly string[]): Promise<boolean> {
  const others = names.filter((name) => name !== GOLDEN && name !== "__pycache__");
  const hashes = await writtenHashes(join(folder, GOLDEN));
  if (others.length !== hashes.size || hashes.size === 0 || !others.every((name) => hashes.has(name))) return false;
  for (const name of others) if (hashes.get(name) !== (await hashOf(await readFileBytes(join(folder, name))))) return false;
  return true;
}

/** What golden.json says of the files beside it; nothing where it is missing or another's. */
async function writtenHashes(path: string): Promise<ReadonlyMap<string, unknown>> {
  try {
    return readHashes(await readGoldenText(path), path);
  } catch (error) {
    if (error instanceof FileError || error instanceof FormatError) return new Map();
    throw error;
  }
}

/** The folder that a path means: itself, or that of its weights; undefined where it is none for PyTorch. */
export async function pytorchPlace(path: string): Promise<string | undefined> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  const folder = isFolder ? path : dirname(path);
  if (!isFolder && basename(path) !== WEIGHTS) return undefined;
  const names: readonly string[] = await readdir(folder).catch(() => []);
  return ["model.py", WEIGHTS].every((name) => names.includes(name)) ? folder : undefined;
}

/** Reads such a folder and proves by its golden.json that the weights mean here what they meant in PyTorch. */
export async function fromPytorch(folder: string): Promise<ReturnedModel> {
  const where = { weights: join(folder, WEIGHTS), golden: join(folder, GOLDEN) };
  const weights = await readFileBytes(where.weights);
  const { metadata, tensors } = parseSafetensors(weights, where.weights);
  const card = metadata.get(KEY);
  if (card === undefined) throw new FormatError(`${where.weights}: not from a folder for PyTorch (no "${KEY}" in its metadata)`);
  const model = modelOf(zoo, checkModel(parseCard(card, where.weights), tensors, where.weights), where.weights);
  const expected = readGolden(await readGoldenText(where.golden), model, where.golden);
  if (expected.weights !== (await sha256(weights))) {
    throw new FormatError(
      `${where.golden}: belongs to other weights than ${where.weights}; python3 model.py --golden in that folder writes it anew`,
    );
  }
  const { logits, tolerance } = await goldenLogits(model);
  const difference = largestDifference(logits, expected.logits);
  if (!(difference <= tolerance)) {
    throw new FormatError(
      `${where.weights}: our logits differ from those of ${expected.by} by ${difference.toPrecision(3)} of the largest, at most ${tolerance.toPrecision(3)} is right\n` +
        `  is model.py still the ${model.network} that was exported?`,
    );
  }
  return { model, difference, by: expected.by };
}

async function readGoldenText(path: string): Promise<string> {
  const size = await stat(path).then(
    (found) => found.size,
    () => undefined,
  );
  if (size === undefined) throw new FileError(`${path}: there is no such file; python3 model.py --golden in that folder writes it`);
  if (size > MOST_GOLDEN_BYTES) throw new FormatError(`${path}: ${size} bytes, at most ${MOST_GOLDEN_BYTES} are accepted`);
  return readFile(path, "utf8");
}

/** The card: checked for depth and size before it becomes objects. */
function parseCard(text: string, where: string): unknown {
  parseStrictJson(text, `${where}: "${KEY}" in its metadata`);
  return JSON.parse(text);
}
