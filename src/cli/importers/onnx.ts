import { open } from "node:fs/promises";
import { basename } from "node:path";
import { type Model, modelFromOnnx, modelGraph, staticCost } from "../../index.ts";
import { readLabels, readOnnxFile } from "../../node.ts";
import { given, textOption, wholeOption } from "../options.ts";
import { grouped } from "../terminal/text.ts";
import { type Importer, preprocessingOf } from "./importer.ts";

/** ONNX models. */
export const onnx: Importer = {
  what: "an ONNX model of a convolutional network",
  find: async (path) => ((await isLikeOnnx(path)) ? path : undefined),
  async read(path, raw) {
    const network = await readOnnxFile(path, given({ size: wholeOption(raw, "size", 1) }));
    const labels = textOption(raw, "labels");
    const options = given({
      where: path,
      // Exporters call every graph alike.
      name: network.producer === "goldcrest" ? undefined : basename(path, ".onnx"),
      labels: labels === undefined ? undefined : await readLabels(labels),
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
};

/** True for files that are called so, or begin as one. */
export async function isLikeOnnx(path: string): Promise<boolean> {
  return path.endsWith(".onnx") || (await beginsLikeOnnx(path));
}

/** True for files that begin with a number of ONNX's format (field 1), which few others do. */
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

function costOf(model: Model): { readonly macs: number; readonly params: number } {
  const { macs } = staticCost(modelGraph(model));
  return { macs, params: [...model.weights.values()].reduce((sum, { data }) => sum + data.length, 0) };
}
