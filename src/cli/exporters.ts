import { createRequire } from "node:module";
import { type Model, modelToOnnx, type OnnxPrecision } from "../index.ts";
import { atomicWrite, isUntouchedPytorch, pytorchFolder, writeFolder } from "../node.ts";
import { recipe } from "../train.ts";
import { choiceOption, type RawOptions, textOption } from "./options.ts";
import type { exportFormats } from "./rules/deploying.ts";

const { version } = createRequire(import.meta.url)("../../package.json") as { version: string };

/** What has been written. */
export interface Written {
  /** Names and sizes in bytes. */
  readonly files: readonly { readonly name: string; readonly bytes: number }[];
  /** What to do with it. */
  readonly next: string;
}

/** A format that `goldcrest export` writes. */
export interface Exporter {
  /** Where it goes for a model of that path. */
  place(path: string): string;
  write(model: Model, out: string, raw: RawOptions): Promise<Written>;
}

const precisions: readonly OnnxPrecision[] = ["float32", "int8"];

/** Every format. */
export const exporters: Readonly<Record<keyof typeof exportFormats, Exporter>> = {
  onnx: {
    place: (path) => `${path.replace(/\.safetensors$/, "")}.onnx`,
    async write(model, out, raw) {
      const bytes = await modelToOnnx(model, choiceOption(raw, "precision", precisions));
      await atomicWrite(out, bytes);
      return {
        files: [{ name: out, bytes: bytes.length }],
        next: 'any ONNX engine runs it: "image" [1, channels, size, size] to "logits"; labels and preprocessing are in its metadata',
      };
    },
  },
  pytorch: {
    place: (path) => `${path.replace(/\.safetensors$/, "")}-pytorch`,
    async write(model, out, raw) {
      const asked = textOption(raw, "recipe");
      const files = await pytorchFolder(model, version, asked === undefined ? undefined : recipe(asked));
      await writeFolder(out, files, (names) => isUntouchedPytorch(out, names));
      return {
        files: Object.entries(files).map(([name, contents]) => ({ name, bytes: Buffer.byteLength(contents) })),
        next: "python3 model.py --check, then python3 train.py --data FOLDER, both in that folder; goldcrest import takes it back",
      };
    },
  },
};
