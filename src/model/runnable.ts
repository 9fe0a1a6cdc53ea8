import type { Weighted } from "../passes/foldConstants.ts";
import { runnableOf } from "./carried.ts";
import type { Model } from "./model.ts";
import { zoo } from "./zoo.ts";

/** What a backend opens to run a model on so many images: floats, folded and fused, or integers. */
export function runnable(model: Model, batch = 1): Weighted {
  return runnableOf(zoo, model, batch);
}
