/** A network as a readable PyTorch module. */
import type { Graph } from "../../ir/graph.ts";
import { classesOf, pascalCase } from "./classes.ts";
import { classText } from "./print.ts";
import { structureOf } from "./structure.ts";

/** The classes of a network: their text, and the name of the one that is the network. */
export interface PytorchClasses {
  readonly text: string;
  readonly name: string;
}

/** Definitions of a Python file by name: everything that begins at the left margin after two empty lines. */
function definitionsOf(file: string): ReadonlyMap<string, string> {
  const blocks = file.split(/\n\n\n/).map((block) => block.trim());
  return new Map(blocks.flatMap((block) => (/^(?:class|def) (\w+)/.exec(block)?.slice(1) ?? []).map((name) => [name, block] as const)));
}

/** Those of our layers that a text uses, with what they use themselves, in the order of the file. */
function usedLayers(text: string, layers: ReadonlyMap<string, string>): readonly string[] {
  const used = new Set<string>();
  const visit = (code: string): void => {
    for (const [name, definition] of layers) {
      if (used.has(name) || definition === code || !new RegExp(`\\b${name}\\b`).test(code)) continue;
      used.add(name);
      visit(definition);
    }
  };
  visit(text);
  return [...layers].filter(([name]) => used.has(name)).map(([, definition]) => definition);
}

/**
 * The classes of a graph that was built for training (its normalisations know their momentum), for a network of that name. `layers` is the
 * text of python/layers.py.
 */
export function pytorchClasses(graph: Graph, network: string, layers: string): PytorchClasses {
  const definitions = definitionsOf(layers);
  const name = pascalCase(network);
  const classes = classesOf(structureOf(graph), name, [...definitions.keys()]);
  const own = [...classes.values()].map((held) => classText(held, classes).trimEnd());
  return { name, text: [...usedLayers(own.join("\n"), definitions), ...own].join("\n\n\n") };
}
