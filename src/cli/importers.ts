import type { Model } from "../index.ts";
import { fromPytorch, pytorchPlace } from "../node.ts";

/** A model that was read, and what proves it. */
export interface Imported {
  readonly model: Model;
  /** In words. */
  readonly proof: string;
  /** The same for machines. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** A kind of file or folder that `goldcrest import` reads. */
export interface Importer {
  /** What it is, in words. */
  readonly what: string;
  /** The place to read where a path is of this kind; else undefined. */
  find(path: string): Promise<string | undefined>;
  read(place: string): Promise<Imported>;
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
];
