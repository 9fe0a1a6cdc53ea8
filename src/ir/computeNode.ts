import { size } from "../core/shape.ts";
import type { ReferenceTensor } from "../core/tensor.ts";
import type { Node, Value } from "./graph.ts";

/** Computes all outputs of a node, epilogue included, by the ops' float64 references. `lookup` gives the node's operands. */
export function computeNode(node: Node, lookup: (value: Value) => ReferenceTensor): readonly ReferenceTensor[] {
  const ys = node.outputs.map(({ shape }) => ({ shape, data: new Float64Array(size(shape)) }));
  node.op.reference(ys[0], node.inputs.map(lookup), node.attrs, ys);
  for (const fused of node.epilogue) {
    const y = { shape: ys[0].shape, data: new Float64Array(ys[0].data.length) };
    fused.op.reference(y, [ys[0], ...fused.inputs.map(lookup)], fused.attrs, [y]);
    ys[0] = y;
  }
  return ys;
}
