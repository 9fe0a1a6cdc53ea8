import { fromPytorch, pytorchPlace } from "../../node.ts";
import type { Importer } from "./importer.ts";

/** Folders that `goldcrest export --to pytorch` wrote. */
export const pytorchFolder: Importer = {
  what: "a folder that goldcrest export --to pytorch wrote, or its weights.safetensors",
  find: pytorchPlace,
  async read(folder) {
    const { model, difference, by } = await fromPytorch(folder);
    const proof = `the logits of ${by} on the golden images, within ${difference.toPrecision(2)} of the largest`;
    return { model, proof, facts: { by, difference } };
  },
};
