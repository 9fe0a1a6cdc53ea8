import { InternalError, OptionError } from "../../core/errors.ts";
import type { Shape } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";
import { type Graph, leavesOf, type Node, type Value } from "../../ir/graph.ts";
import type { Op } from "../../ir/op.ts";
import type { ElementArray } from "./elements.ts";
import { type Attribute, encodeOnnx, type OnnxNode } from "./messages.ts";
import { operators } from "./operators.ts";
import type { OnnxWriter, Operands } from "./writer.ts";

const OPSET = 17;

/** What goes into the file beside the graph; texts by key (labels and preprocessing as JSON, say). */
export interface OnnxOptions {
  readonly name?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  /** Says some nodes and values in another way than as floats. */
  readonly form?: OnnxForm;
}

/** Another way to say nodes and values. */
export interface OnnxForm {
  /** The name of a node's output; undefined for nodes that are said as floats. `nameOf` names its operands. */
  node(node: Node, nameOf: (value: Value) => string, writer: OnnxWriter): string | undefined;
  /** What readers of a value read. */
  value(value: Value, name: string, writer: OnnxWriter): string;
}

/** Constants of more elements are not looked for among those that are there. */
const MOST_SHARED = 64;

/** A float graph with its weights as an ONNX model (opset 17); inputs and outputs keep their names and logical NCHW shapes. */
export function encodeGraphAsOnnx(
  graph: Graph,
  weights: ReadonlyMap<string, Tensor>,
  { name = "goldcrest", metadata = {}, form }: OnnxOptions = {},
): Uint8Array {
  const inputs = leavesOf(graph, "input").map(({ name = "", shape }) => ({ name, shape }));
  const { nodes, initializers } = translate(graph, weights, form);
  const outputs = Object.entries(graph.outputs).map(([output, { shape }]) => ({ name: output, shape }));
  return encodeOnnx({ producer: "goldcrest", opset: OPSET, graphName: name, nodes, initializers, inputs, outputs, metadata });
}

interface Initializer {
  readonly name: string;
  readonly shape: Shape;
  readonly data: ElementArray;
}

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: its functions are closures over the graph under construction.
function translate(
  graph: Graph,
  weights: ReadonlyMap<string, Tensor>,
  form?: OnnxForm,
): { nodes: readonly OnnxNode[]; initializers: readonly Initializer[] } {
  const nodes: OnnxNode[] = [];
  const initializers = new Map<string, Initializer>();
  const names = new Map<Value, string>();
  const constants = new Map<string, string>();
  let scope = "";

  const writer: OnnxWriter = {
    emit(type, inputs, attributes: Readonly<Record<string, Attribute>> = {}) {
      const output = `${scope}/${type}.${nodes.length}`;
      nodes.push({ type, name: output, inputs, outputs: [output], attributes });
      return output;
    },
    constant(shape, data) {
      const key = data.length > MOST_SHARED ? `${constants.size}` : `${data.constructor.name} [${shape}] ${data}`;
      const held = constants.get(key);
      if (held !== undefined) return held;
      const constant = `constant/${constants.size}`;
      constants.set(key, constant);
      initializers.set(constant, { name: constant, shape, data });
      return constant;
    },
  };

  function nameOf(value: Value): string {
    const held = names.get(value);
    if (held !== undefined) return held;
    if (value.kind === "computed") throw new InternalError(`%${value.id} is read before it is computed`);
    const { name = "", shape } = value;
    const data = value.data ?? weights.get(name)?.data;
    if (value.kind !== "input") {
      if (!data) throw new OptionError(`no weight "${name}" for the ONNX model`);
      initializers.set(name, { name, shape, data });
    }
    const read = form?.value(value, name, writer) ?? name;
    names.set(value, read);
    return read;
  }

  const apply = (op: Op, operands: Operands, attrs: object): string => {
    const say = Object.hasOwn(operators, op.name) ? operators[op.name as keyof typeof operators] : undefined;
    if (!say) throw new OptionError(`"${op.name}" at "${scope}" cannot be said in ONNX; only graphs for inference can`);
    return say(writer, operands, attrs as never);
  };
  const operandsOf = (values: readonly Value[]): Operands => ({ names: values.map(nameOf), shapes: values.map(({ shape }) => shape) });

  for (const node of graph.nodes) {
    const { op, inputs, attrs, outputs, epilogue } = node;
    scope = node.scope;
    let result = form?.node(node, nameOf, writer) ?? apply(op, operandsOf(inputs), attrs);
    for (const fused of epilogue) {
      const more = operandsOf(fused.inputs);
      result = apply(fused.op, { names: [result, ...more.names], shapes: [outputs[0].shape, ...more.shapes] }, fused.attrs);
    }
    names.set(outputs[0], form?.value(outputs[0], result, writer) ?? result);
  }
  for (const [output, value] of Object.entries(graph.outputs)) {
    nodes.push({ type: "Identity", name: `output/${output}`, inputs: [nameOf(value)], outputs: [output], attributes: {} });
  }
  return { nodes, initializers: [...initializers.values()] };
}
