import { type Model, modelToOnnx, type OnnxPrecision } from "../index.ts";
import { atomicWrite } from "../node.ts";
import { choiceOption, type RawOptions } from "./options.ts";
import type { exportFormats } from "./rules/deploying.ts";

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
};
