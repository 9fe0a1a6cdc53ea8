/** Models whose network is in no table: their graph lies in the file. */
import { OptionError } from "../core/errors.ts";
import { formatShape, isSameShape } from "../core/shape.ts";
import { readGraphRecord } from "../formats/graphRecord.ts";
import type { Graph } from "../ir/graph.ts";
import { setBatch } from "../passes/setBatch.ts";
import type { Blueprint } from "./carried.ts";

/** The graph of a record for so many images a run; refuses one that does not go from the model's images to its logits. */
export function storedGraph({ network, graph: record, labels, preprocessing }: Blueprint, batch: number): Graph {
  const { size, channels } = preprocessing;
  const graph = readGraphRecord(record, network);
  const inputs = graph.leaves.filter(({ kind }) => kind === "input");
  const found = {
    images: inputs.length === 1 && inputs[0].name === "image" ? inputs[0].shape : [],
    logits: graph.outputs.logits?.shape ?? [],
  };
  const needed = { images: [1, channels, size, size], logits: [1, labels.length] };
  for (const what of ["images", "logits"] as const) {
    if (!isSameShape(found[what], needed[what]))
      throw new OptionError(
        `the network in the file is made for ${what} ${formatShape(found[what])}, asked for ${formatShape(needed[what])}`,
      );
  }
  return setBatch(graph, batch);
}
