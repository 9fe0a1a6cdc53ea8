import type { Node, Value } from "../../../ir/graph.ts";
import type { LowerContext } from "../kernel.ts";

/** True where a value lies in memory as kernels expect an activation. A stored image has no padding lanes; with whole vectors of channels it needs none. */
function isActivation(value: Value, context: LowerContext): boolean {
  return !context.isWeight(value) || value.shape[1] % 4 === 0;
}

/** True where a node's first input, its output and what its epilogue reads are activations; other cases are left to the reference. */
export function hasActivations(node: Node, context: LowerContext): boolean {
  const fused = node.epilogue.flatMap(({ inputs }) => inputs);
  return [node.inputs[0], node.outputs[0], ...fused].every((value) => isActivation(value, context));
}
