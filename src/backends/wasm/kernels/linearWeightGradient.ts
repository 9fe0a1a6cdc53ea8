import type { Linear } from "../../../ops/linear.ts";
import type { Lower } from "../kernel.ts";
import { pad4 } from "../layout.ts";
import { outerSumSteps } from "./outerSums.ts";

export const linearWeightGradient: Lower = (node, context) => {
  const [x, dy] = node.inputs;
  if (((node.attrs as Linear).similarity ?? "product") !== "product") return undefined;
  const [rows, n] = x.shape;
  const m = dy.shape[1];
  const [a, b, c] = [context.at(dy), context.at(x), context.at(node.outputs[0])];
  return outerSumSteps({ a, lda: pad4(m), b, ldb: pad4(n), rows, groups: 1, m, n, c }, context);
};
