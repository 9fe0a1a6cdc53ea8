import type { Weights } from "../engine/session.ts";
import type { Graph } from "../ir/graph.ts";
import { loaderText, loaderTypes } from "./loaderText.node.ts";
import { type CompileCard, type CompiledSizes, type CompileFileOptions, compileFile } from "./wasmFile.ts";

/** A compiled model as files. */
export interface CompiledFiles {
  /** Contents by name: `<name>.wasm`, its loader `<name>.js` with `<name>.d.ts`, and `<name>.weights` where that is asked for. */
  readonly files: Readonly<Record<string, Uint8Array<ArrayBuffer> | string>>;
  readonly sizes: CompiledSizes & { readonly loader: number };
}

/**
 * Compiles a graph that `optimise` has given (input "image", output "logits") with its weights to one WebAssembly file that carries only what this model uses, with a loader that needs
 * nothing of Goldcrest: `import { load } from "./<name>.js"; const classify = await load();`.
 */
export async function compileToFiles(
  name: string,
  graph: Graph,
  weights: Weights,
  card: CompileCard,
  options: CompileFileOptions = {},
): Promise<CompiledFiles> {
  const { wasm, weights: separate, sizes } = await compileFile(graph, weights, card, options);
  const names = { wasm: `${name}.wasm`, ...(separate ? { weights: `${name}.weights` } : {}) };
  const loader = loaderText(names);
  return {
    files: {
      ...(separate ? { [`${name}.weights`]: separate } : {}),
      [names.wasm]: wasm,
      [`${name}.d.ts`]: loaderTypes(card.labels),
      [`${name}.js`]: loader,
    },
    sizes: { ...sizes, loader: Buffer.byteLength(loader) },
  };
}
