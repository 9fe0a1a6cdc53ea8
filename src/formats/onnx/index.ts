import { InternalError, OptionError } from "../../core/errors.ts";
import type { Shape } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";
import { type Graph, leavesOf, type Value } from "../../ir/graph.ts";
import type { Op } from "../../ir/op.ts";
import { type Attribute, type Elements, encodeOnnx, type OnnxNode } from "./messages.ts";
import { operators } from "./operators.ts";
import type { OnnxWriter, Operands } from "./writer.ts";

const OPSET = 17;

/** What goes into the file beside the graph; texts by key (labels and preprocessing as JSON, say). */
export interface OnnxOptions {
  readonly name?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** A float graph with its weights as an ONNX model (opset 17); inputs and outputs keep their names and logical NCHW shapes. */
export function encodeGraphAsOnnx(
  graph: Graph,
  weights: ReadonlyMap<string, Tensor>,
  { name = "goldcrest", metadata = {} }: OnnxOptions = {},
): Uint8Array {
  const inputs = leavesOf(graph, "input").map(({ name = "", shape }) => ({ name, shape }));
  const { nodes, initializers } = translate(graph, weights);
  const outputs = Object.entries(graph.outputs).map(([output, { shape }]) => ({ name: output, shape }));
  return encodeOnnx({ producer: "goldcrest", opset: OPSET, graphName: name, nodes, initializers, inputs, outputs, metadata });
}

interface Initializer {
  readonly name: string;
  readonly shape: Shape;
  readonly data: Elements;
}

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: its functions are closures over the graph under construction.
function translate(
  graph: Graph,
  weights: ReadonlyMap<string, Tensor>,
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
      const key = `${data.constructor.name} [${shape}] ${data}`;
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
    names.set(value, name);
    return name;
  }

  const apply = (op: Op, operands: Operands, attrs: object): string => {
    const say = Object.hasOwn(operators, op.name) ? operators[op.name as keyof typeof operators] : undefined;
    if (!say) throw new OptionError(`"${op.name}" at "${scope}" cannot be said in ONNX; only graphs for inference can`);
    return say(writer, operands, attrs as never);
  };
  const operandsOf = (values: readonly Value[]): Operands => ({ names: values.map(nameOf), shapes: values.map(({ shape }) => shape) });

  for (const { op, inputs, attrs, outputs, epilogue, scope: place } of graph.nodes) {
    scope = place;
    let result = apply(op, operandsOf(inputs), attrs);
    for (const fused of epilogue) {
      const more = operandsOf(fused.inputs);
      result = apply(fused.op, { names: [result, ...more.names], shapes: [outputs[0].shape, ...more.shapes] }, fused.attrs);
    }
    names.set(outputs[0], result);
  }
  for (const [output, value] of Object.entries(graph.outputs)) {
    nodes.push({ type: "Identity", name: `output/${output}`, inputs: [nameOf(value)], outputs: [output], attributes: {} });
  }
  return { nodes, initializers: [...initializers.values()] };
}
