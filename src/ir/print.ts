import { formatShape } from "../core/shape.ts";
import { dtypeOf, type Fused, type Graph, type Node, type Value } from "./graph.ts";

/**
 * A graph as text, one line a leaf, node, output and update:
 * `%3 = conv2d(%0, %1) {stride=[2, 2], groups=1} |> relu6 : [1, 32, 112, 112]  # features.0`.
 */
export function print(graph: Graph): string {
  const lines = [
    ...graph.leaves.map((leaf) => `%${leaf.id} = ${leaf.kind} "${leaf.name}" : ${printType(leaf)}`),
    ...graph.nodes.map(printNode),
    ...Object.entries(graph.outputs).map(([name, value]) => `output "${name}" = %${value.id}`),
    ...graph.updates.map(({ target, source }) => `update "${target.name}" = %${source.id}`),
  ];
  return `${lines.join("\n")}\n`;
}

/** One node of a printed graph. */
function printNode(node: Node): string {
  const results = node.outputs.map(({ id }) => `%${id}`).join(", ");
  const call = `${node.op.name}(${list(node.inputs)})${printAttrs(node.attrs)}`;
  const shapes = node.outputs.map(printType).join(", ");
  return `${results} = ${call}${node.epilogue.map(printFused).join("")} : ${shapes}${node.scope === "" ? "" : `  # ${node.scope}`}`;
}

/** `[1, 3, 8, 8]`, or `u7 [1, 3, 8, 8]` where elements are not float32. */
function printType(value: Value): string {
  const dtype = dtypeOf(value);
  return dtype === "f32" ? formatShape(value.shape) : `${dtype} ${formatShape(value.shape)}`;
}

function printFused({ op, attrs, inputs }: Fused): string {
  return ` |> ${op.name}${inputs.length > 0 ? `(${list(inputs)})` : ""}${printAttrs(attrs)}`;
}

function list(values: readonly Value[]): string {
  return values.map(({ id }) => `%${id}`).join(", ");
}

function printAttrs(attrs: object): string {
  const pairs = Object.entries(attrs).map(([name, value]) => `${name}=${Array.isArray(value) ? formatShape(value) : String(value)}`);
  return pairs.length === 0 ? "" : ` {${pairs.join(", ")}}`;
}
