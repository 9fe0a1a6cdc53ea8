import { wasmBackend } from "../backends/wasm/index.ts";
import type { Backend, OpenOptions } from "../engine/session.ts";
import { type Classifier, classifierOver } from "./classifierOver.ts";
import type { Model } from "./model.ts";
import { runnable } from "./runnable.ts";

/** Compiles a model for one image at a time. */
export async function openClassifier(
  model: Model,
  { backend = wasmBackend, ...open }: OpenOptions & { readonly backend?: Backend } = {},
): Promise<Classifier> {
  const { graph, weights } = runnable(model);
  return classifierOver(await backend.open(graph, weights, open), model);
}
