import { type DesignName, designs, standIn } from "../blocks/index.ts";
import { OptionError } from "../core/errors.ts";
import { nearest } from "../core/suggest.ts";
import type { Graph } from "../ir/graph.ts";
import { graphScope } from "../ir/scope.ts";

/** Where a design stands: channels that it reads and leaves, stride, and pixels of a side of what it reads. */
export interface DesignPlace {
  readonly inputs?: number;
  readonly outputs?: number;
  readonly stride?: number;
  readonly size?: number;
}

/** Whether a name is a design's. */
export function isDesign(name: string): name is DesignName {
  return Object.hasOwn(designs, name);
}

/** One design by itself: input "image" [1, inputs, size, size] → output "logits" [1, outputs, …]. */
export function designGraph(name: string, { inputs = 64, outputs = inputs, stride = 1, size = 28 }: DesignPlace = {}): Graph {
  if (!isDesign(name)) {
    const names = Object.keys(designs);
    const near = nearest(name, names);
    throw new OptionError(`unknown design ${JSON.stringify(name)}\n  ${near ? `did you mean "${near}"?   ` : ""}(${names.join(", ")})`);
  }
  for (const [what, count] of Object.entries({ inputs, outputs, stride, size })) {
    if (!Number.isSafeInteger(count) || count < 1)
      throw new OptionError(`design ${name}: ${what} ${count} needs to be a whole number of 1 or more; nearest legal value 1`);
  }
  const g = graphScope();
  g.output("logits", standIn(name, g, g.input("image", [1, inputs, size, size]), { out: outputs, stride }));
  return g.finish();
}
