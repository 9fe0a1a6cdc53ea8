import { createRequire } from "node:module";
import type { Model } from "../index.ts";
import { isUntouchedPytorch, pytorchFolder, writeFolder } from "../node.ts";
import { recipe } from "../train.ts";
import { type RawOptions, textOption } from "./options.ts";
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

/** Every format. */
export const exporters: Readonly<Record<keyof typeof exportFormats, Exporter>> = {
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
