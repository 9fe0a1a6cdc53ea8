/**
 * A quantised model in the form that ONNX has for one: floats between pairs of QuantizeLinear and DequantizeLinear, weights as integers of 8
 * bits behind a DequantizeLinear of one scale a channel. Engines turn such pairs back into integers.
 */
import { InternalError } from "../core/errors.ts";
import type { Weights } from "../engine/session.ts";
import type { OnnxForm } from "../formats/onnx/encode.ts";
import { operators } from "../formats/onnx/operators.ts";
import type { OnnxWriter } from "../formats/onnx/writer.ts";
import { scalar } from "../formats/onnx/writer.ts";
import type { Graph, Node, Value } from "../ir/graph.ts";
import type { Quantised } from "../ir/integer.ts";
import { batchNorm } from "../ops/batchNorm.ts";
import { integerRuleOf } from "../ops/integerRules.ts";
import { applicationOf } from "../passes/rewrite.ts";
import type { FilterTask, IntegerGraph } from "../passes/toInteger.ts";

/** Activations are integers of 7 bits. */
const MOST = 127;
const UNIT = 32_768;
const MOST_BIAS = 2 ** 31 - 1;

/** One layer's numbers, by output: what its integer weights are multiplied by, and what is added to its sums. */
interface Layer {
  readonly integers: Int8Array;
  readonly scale: Float32Array;
  readonly bias: Float32Array;
}

function dataOf(weights: Weights, name: string): Float32Array {
  const held = weights.get(name);
  if (!held) throw new InternalError(`no weight "${name}"`);
  return held.data;
}

/** The sum of each output's integers. */
function totals(integers: Float32Array, outputs: number): Float64Array {
  const length = integers.length / outputs;
  return Float64Array.from({ length: outputs }, (_, o) => integers.subarray(o * length, (o + 1) * length).reduce((sum, x) => sum + x, 0));
}

/** Reads the numbers of a layer back from its leaves (quantize/filters.ts has the way there). */
function layerOf(task: FilterTask, weights: Weights): Layer {
  const { input, output, leaves, similarity } = task;
  const integers = dataOf(weights, leaves.weight);
  const outScale = output?.scale ?? 1;
  if (leaves.kind === "narrow") {
    const [start, factor] = [dataOf(weights, leaves.bias), dataOf(weights, leaves.factor)];
    const sums = totals(integers, factor.length);
    return {
      integers: Int8Array.from(integers),
      scale: factor.map((each) => (each * outScale) / (input.scale * UNIT)),
      bias: start.map((each, o) => (((each + input.zero * sums[o]) * factor[o]) / UNIT - (output?.zero ?? 0)) * outScale),
    };
  }
  const [ratio, offset] = [dataOf(weights, leaves.ratio), dataOf(weights, leaves.offset)];
  const sums = totals(integers, ratio.length);
  const rounding = output ? output.zero + 0.5 : 0;
  // A distance is of the integers themselves; a product, of what they are above zero.
  const above = (o: number): number => (similarity === "l1" ? 0 : input.zero * sums[o] * ratio[o]);
  return {
    integers: Int8Array.from(integers),
    scale: ratio.map((each) => (each * outScale) / input.scale),
    bias: offset.map((each, o) => (each - rounding + above(o)) * outScale),
  };
}

/** Scales of ONNX are positive: a negative one changes the signs of its integers instead. */
function withPositiveScales({ integers, scale, bias }: Layer): Layer {
  const length = integers.length / scale.length;
  return { integers: integers.map((x, i) => (scale[Math.floor(i / length)] < 0 ? -x : x)), scale: scale.map(Math.abs), bias };
}

/** A stored vector of sums: integers of 32 bits at the scale of the products where they fit, else floats. */
function biasIn(writer: OnnxWriter, { scale, bias }: Layer, inputScale: number): string {
  const steps = scale.map((each) => each * inputScale);
  const integers = Array.from(bias, (each, o) => Math.round(each / steps[o]));
  if (!integers.every((each) => Math.abs(each) <= MOST_BIAS)) return writer.constant([bias.length], bias);
  return writer.emit(
    "DequantizeLinear",
    [writer.constant([bias.length], Int32Array.from(integers)), writer.constant([bias.length], steps)],
    { axis: 0 },
  );
}

/** Emits a layer on integer weights; a normalisation behind it is part of the numbers. */
function sayLayer(node: Node, task: FilterTask, weights: Weights, x: string, writer: OnnxWriter): string {
  const shapes = node.inputs.map(({ shape }) => shape);
  const [, shape] = shapes;
  const say = operators[node.op.name as keyof typeof operators];
  const layer = layerOf(task, weights);
  const apply = (...names: readonly string[]): string =>
    say(writer, { names: [x, ...names], shapes: [...shapes.slice(0, 2), [shape[0]]] }, node.attrs as never);
  if (task.similarity === "l1") {
    const zero = writer.constant([], Int8Array.of(task.input.zero));
    const filters = writer.emit("DequantizeLinear", [writer.constant(shape, layer.integers), scalar(writer, task.input.scale), zero]);
    const row = node.outputs[0].shape.map((_, axis) => (axis === 1 ? shape[0] : 1));
    const scaled = writer.emit("Mul", [apply(filters), writer.constant(row, layer.scale)]);
    return writer.emit("Add", [scaled, writer.constant(row, layer.bias)]);
  }
  const positive = withPositiveScales(layer);
  const filters = writer.emit(
    "DequantizeLinear",
    [writer.constant(shape, positive.integers), writer.constant([shape[0]], positive.scale)],
    { axis: 0 },
  );
  return apply(filters, biasIn(writer, positive, task.input.scale));
}

/** How the folded float graph of a quantised model is said. */
export function integerForm(folded: Graph, { filters, quantised }: IntegerGraph, weights: Weights): OnnxForm {
  const tasks = new Map(filters.map((task) => [task.weight, task]));
  const isCarried = (value: Value): boolean => {
    const norm = applicationOf(batchNorm, value)?.node;
    const source = norm?.inputs[0].producer;
    return source !== undefined && tasks.get(source.inputs[1]?.name ?? "")?.norm !== undefined;
  };
  const isInput = new Set(folded.leaves.filter(({ kind }) => kind === "input"));
  return {
    node(node, nameOf, writer) {
      const task = integerRuleOf(node.op)?.givesFloats ? tasks.get(node.inputs[1].name ?? "") : undefined;
      if (task) return sayLayer(node, task, weights, nameOf(node.inputs[0]), writer);
      return isCarried(node.outputs[0]) ? nameOf(node.inputs[0]) : undefined;
    },
    value(value, name, writer) {
      const held = quantised.get(value);
      if (!held || !(isInput.has(value) || value.kind === "computed")) return name;
      return quantisedAs(writer, value.producer && integerRuleOf(value.producer.op)?.isKept ? name : held7(writer, name, held), held);
    },
  };
}

/** Held within the range of 7 bits, which the type on its own does not hold it in. */
function held7(writer: OnnxWriter, name: string, { scale, zero }: Quantised): string {
  return writer.emit("Clip", [name, scalar(writer, -zero * scale), scalar(writer, (MOST - zero) * scale)]);
}

function quantisedAs(writer: OnnxWriter, name: string, { scale, zero }: Quantised): string {
  const parameters = [scalar(writer, scale), writer.constant([], Uint8Array.of(zero))];
  return writer.emit("DequantizeLinear", [writer.emit("QuantizeLinear", [name, ...parameters]), ...parameters]);
}
