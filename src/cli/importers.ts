import { open } from "node:fs/promises";
import { basename } from "node:path";
import { type Model, modelFromOnnx, modelGraph, type OnnxModelOptions, OptionError, staticCost } from "../index.ts";
import { fromPytorch, pytorchPlace, readFileBytes, readOnnxFile } from "../node.ts";
import { choiceOption, given, type RawOptions, textOption, wholeOption } from "./options.ts";
import { grouped } from "./terminal/text.ts";

/** A model that was read, and what proves it. */
export interface Imported {
  readonly model: Model;
  /** In words. */
  readonly proof: string;
  /** The same for machines. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** What was assumed. */
  readonly notes?: readonly string[];
}

/** A kind of file or folder that `goldcrest import` reads. */
export interface Importer {
  /** What it is, in words. */
  readonly what: string;
  /** The place to read where a path is of this kind; else undefined. */
  find(path: string): Promise<string | undefined>;
  read(place: string, raw: RawOptions): Promise<Imported>;
}

/** Every kind; the first that fits is taken. */
export const importers: readonly Importer[] = [
  {
    what: "a folder that goldcrest export --to pytorch wrote, or its weights.safetensors",
    find: pytorchPlace,
    async read(folder) {
      const { model, difference, by } = await fromPytorch(folder);
      const proof = `the logits of ${by} on the golden images, within ${difference.toPrecision(2)} of the largest`;
      return { model, proof, facts: { by, difference } };
    },
  },
  {
    what: "an ONNX model of a convolutional network",
    find: async (path) => ((await beginsLikeOnnx(path)) || path.endsWith(".onnx") ? path : undefined),
    async read(path, raw) {
      const network = await readOnnxFile(path, given({ size: wholeOption(raw, "size", 1) }));
      const labels = textOption(raw, "labels");
      const options = given({
        where: path,
        // Exporters call every graph alike.
        name: network.producer === "goldcrest" ? undefined : basename(path, ".onnx"),
        labels: labels === undefined ? undefined : await labelsIn(labels),
        output: textOption(raw, "output"),
        preprocessing: preprocessingOf(raw),
      });
      const { model, notes } = modelFromOnnx(network, options);
      const { macs, params } = costOf(model);
      return {
        model,
        proof: `${grouped(params)} parameters, ${grouped(macs)} multiply–accumulates, images of ${model.preprocessing.size} pixels`,
        facts: { params, macs, size: model.preprocessing.size, notes },
        notes,
      };
    },
  },
];

/** True for files that begin with a number of ONNX's format (field 1), which no other kind does. */
async function beginsLikeOnnx(path: string): Promise<boolean> {
  const handle = await open(path, "r").catch(() => undefined);
  if (!handle) return false;
  try {
    const head = new Uint8Array(2);
    const { bytesRead } = await handle.read(head, 0, 2, 0).catch(() => ({ bytesRead: 0 }));
    return bytesRead === 2 && head[0] === 8 && head[1] > 0 && head[1] < 32;
  } finally {
    await handle.close();
  }
}

/** A label a line; empty lines at the end do not count. */
async function labelsIn(path: string): Promise<readonly string[]> {
  const text = new TextDecoder().decode(await readFileBytes(path));
  return text
    .replace(/^\uFEFF/, "")
    .replace(/[\r\n]+$/, "")
    .split(/\r?\n/);
}

function numbersOption(raw: RawOptions, name: string): readonly number[] | undefined {
  const text = textOption(raw, name);
  const numbers = text?.split(",").map(Number);
  if (numbers && !numbers.every(Number.isFinite))
    throw new OptionError(`--${name} is ${JSON.stringify(text)}; it needs numbers with commas between, one a colour channel`);
  return numbers;
}

/** --mean, --std and --fit, as far as they are given. */
function preprocessingOf(raw: RawOptions): OnnxModelOptions["preprocessing"] {
  const [mean, std] = [numbersOption(raw, "mean"), numbersOption(raw, "std")];
  const fit = choiceOption(raw, "fit", ["crop", "squash"] as const);
  return given({ mean, std, fit });
}

function costOf(model: Model): { readonly macs: number; readonly params: number } {
  const { macs } = staticCost(modelGraph(model));
  return { macs, params: [...model.weights.values()].reduce((sum, { data }) => sum + data.length, 0) };
}
