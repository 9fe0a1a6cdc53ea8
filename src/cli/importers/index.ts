import type { Importer } from "./importer.ts";
import { onnx } from "./onnx.ts";
import { pytorchFolder } from "./pytorchFolder.ts";
import { weights } from "./weights.ts";

export type { Importer } from "./importer.ts";

/** Every kind; the first that fits is taken. */
export const importers: readonly Importer[] = [pytorchFolder, weights, onnx];
