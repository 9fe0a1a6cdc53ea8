/**
 * From floats to integers: every node whose op has an integer form (ops/integerRules.ts) computes with integers of 7 bits, with no float between
 * two of them. A function of one operand behind a node is part of it: where it only clamps, the bounds of the rounding; else a table
 * that reads 8 bits. What has no integer form stays as it was, between conversions.
 */
import { InternalError } from "../core/errors.ts";
import type { Fused, Graph, Node, Value } from "../ir/graph.ts";
import type { IntegerPlace, Quantised, Range, Requantised } from "../ir/integer.ts";
import { extendScope, type Scope } from "../ir/scope.ts";
import { type BatchNorm, batchNorm } from "../ops/batchNorm.ts";
import { integerRuleOf } from "../ops/integerRules.ts";
import { lookup } from "../ops/lookup.ts";
import { dequantise, quantise } from "../ops/quantise.ts";
import { fuseActivation } from "./fuseActivation.ts";
import {
  activeRange,
  clampOf,
  functionOf,
  isFunction,
  nearestInteger,
  quantisedRange,
  type Rounding,
  sharedRanges,
  tableOf,
  type Unsigned,
} from "./quantisation.ts";
import { removeDead } from "./removeDead.ts";
import { applicationOf } from "./rewrite.ts";
import { type Uses, usesOf } from "./uses.ts";

/** How the leaves of one layer follow from its float weight and bias (names), for these scales; `output` is absent where sums stay floats. */
export interface FilterTask {
  readonly weight: string;
  readonly bias?: string;
  /** The layer in the float graph, and what the integers of its input stand for. */
  readonly layer: Node;
  readonly input: Quantised;
  readonly output?: Quantised;
  readonly to: Unsigned | "f32";
  readonly similarity: "product" | "l1";
  /** A normalisation behind the layer that its weight could not carry, by the names of its vectors. */
  readonly norm?: { readonly gamma: string; readonly beta: string; readonly mean: string; readonly variance: string; readonly eps: number };
  /** Names of the leaves: wide sums have a ratio and an offset, those of 16 bits a bias and a factor. */
  readonly leaves:
    | { readonly kind: "wide"; readonly weight: string; readonly ratio: string; readonly offset: string }
    | { readonly kind: "narrow"; readonly weight: string; readonly bias: string; readonly factor: string };
}

/** An integer graph, what fills its leaves, and the nodes that stayed float. */
export interface IntegerGraph {
  readonly graph: Graph;
  readonly filters: readonly FilterTask[];
  readonly floats: readonly Node[];
  /** What the integers of each value of the float graph stand for. */
  readonly quantised: ReadonlyMap<Value, Quantised>;
  /** Every value of the float graph that is rounded to integers, in between a layer and its table too; those that integers only move are not. */
  readonly roundings: ReadonlyMap<Value, Rounding>;
}

/** An integer value and what it stands for. */
interface Held {
  readonly value: Value;
  readonly quantised: Quantised;
}

/** Everything that the pass knows while it goes through the nodes. */
interface Pass {
  readonly root: Scope;
  readonly uses: Uses;
  readonly ranges: ReadonlyMap<Value, Range>;
  readonly shared: (value: Value) => Range | undefined;
  readonly integers: Map<Value, Held>;
  readonly floats: Map<Value, Value>;
  readonly filters: FilterTask[];
  readonly names: Map<string, number>;
  readonly roundings: Map<Value, Rounding>;
}

const init = { kind: "constant", value: 0 } as const;
const WHOLE: Requantised = { to: "u7", low: 0, high: 127 };

/** The activations among a node's operands. */
function activationsOf({ op, inputs }: Node): readonly Value[] {
  return integerRuleOf(op)?.activations?.map((i) => inputs[i]) ?? inputs;
}

/** True where a node can be built from integers. */
function isBuilt(node: Node, { shared }: Pick<Pass, "shared">): boolean {
  const { op, inputs, attrs, outputs } = node;
  const rule = integerRuleOf(op);
  if (!rule?.build || node.epilogue.length > 0) return false;
  const shapes = inputs.map(({ shape }) => shape);
  const areKnown = [...activationsOf(node), outputs[0]].every((value) => value.kind !== "parameter" && shared(value) !== undefined);
  const areStored = inputs.every((value) => activationsOf(node).includes(value) || value.kind === "parameter");
  return areKnown && areStored && (rule.accepts?.(shapes, attrs) ?? true);
}

/** True where integers of a value are read: by a node that is built from them, perhaps behind moves and functions. */
function isWanted(value: Value, pass: Pick<Pass, "uses" | "shared">): boolean {
  return pass.uses.readers(value).some((reader) => {
    if (isBuilt(reader, pass)) return activationsOf(reader).includes(value);
    return (integerRuleOf(reader.op)?.isKept || isFunction(reader)) && isWanted(reader.outputs[0], pass);
  });
}

function at(root: Scope, { scope }: Node): Scope {
  return scope === "" ? root : root.scope(scope);
}

/** The integers of 7 bits that a value is rounded to. */
function roundedTo(value: Value, { shared, roundings }: Pass): Quantised {
  const quantised = quantisedRange(shared(value) as Range, "u7");
  roundings.set(value, { ...quantised, to: "u7" });
  return quantised;
}

function integerOf(value: Value, pass: Pass): Held {
  const held = pass.integers.get(value);
  if (held) return held;
  const quantised = roundedTo(value, pass);
  const made = { value: quantise(pass.root, [floatOf(value, pass)], quantised), quantised };
  pass.integers.set(value, made);
  return made;
}

function floatOf(value: Value, pass: Pass): Value {
  const held = pass.floats.get(value);
  if (held) return held;
  const { value: integer, quantised } = pass.integers.get(value) as Held;
  const made = dequantise(pass.root, [integer], quantised);
  pass.floats.set(value, made);
  return made;
}

/** A name that no other layer's leaves begin with. */
function ownName(weight: string, { names }: Pass): string {
  const count = (names.get(weight) ?? 0) + 1;
  names.set(weight, count);
  return count === 1 ? weight : `${weight}.${count}`;
}

/** The normalisation that alone reads a layer's sums, with stored vectors. */
function normBehind({ op, outputs }: Node, { uses, shared }: Pass): Node | undefined {
  const reader = integerRuleOf(op)?.givesFloats ? uses.onlyReader(outputs[0]) : undefined;
  const norm = reader && applicationOf(batchNorm, reader.outputs[0])?.node;
  const isStored = norm?.inputs.slice(1).every(({ kind }) => kind === "parameter" || kind === "state");
  return norm && isStored && norm.epilogue.length === 0 && shared(norm.outputs[0]) ? norm : undefined;
}

function namesOf({ inputs, attrs }: Node): NonNullable<FilterTask["norm"]> {
  const [gamma, beta, mean, variance] = inputs.slice(1).map(({ name }) => name as string);
  return { gamma, beta, mean, variance, eps: (attrs as BatchNorm).eps };
}

/** What a node's rule is offered. */
function placeOf(node: Node, output: Quantised, requantised: Requantised, pass: Pass): IntegerPlace {
  const norm = normBehind(node, pass);
  const inputs = activationsOf(node).map((value) => integerOf(value, pass));
  const { root, filters } = pass;
  const task = (weight: Value, bias: Value | undefined, similarity: FilterTask["similarity"]): Omit<FilterTask, "leaves"> => ({
    weight: weight.name as string,
    ...(bias ? { bias: bias.name as string } : {}),
    layer: node,
    input: inputs[0].quantised,
    ...(requantised.to === "f32" ? {} : { output }),
    to: requantised.to,
    similarity,
    ...(norm ? { norm: namesOf(norm) } : {}),
  });
  return {
    inputs,
    output,
    requantised,
    filters(weight, bias, similarity) {
      const name = ownName(weight.name as string, pass);
      const leaves = { weight: `${name}.integers`, ratio: `${name}.ratio`, offset: `${name}.offset` };
      filters.push({ ...task(weight, bias, similarity), leaves: { kind: "wide", ...leaves } });
      const row = [weight.shape[0]];
      return {
        weight: root.parameter(leaves.weight, weight.shape, init, "i8"),
        ratio: root.parameter(leaves.ratio, row, init),
        offset: root.parameter(leaves.offset, row, init),
      };
    },
    narrowFilters(weight, bias) {
      const name = ownName(weight.name as string, pass);
      const leaves = { weight: `${name}.integers`, bias: `${name}.bias`, factor: `${name}.factor` };
      filters.push({ ...task(weight, bias, "product"), leaves: { kind: "narrow", ...leaves } });
      const row = [weight.shape[0]];
      return {
        weight: root.parameter(leaves.weight, weight.shape, init, "i8"),
        bias: root.parameter(leaves.bias, row, init),
        factor: root.parameter(leaves.factor, row, init),
      };
    },
  };
}

/** Emits the integer form of a node with its output as said. */
function build(node: Node, output: Quantised, requantised: Requantised, pass: Pass): Value {
  const rule = integerRuleOf(node.op);
  if (!rule?.build) throw new InternalError(`${node.op.name} has no integer form`);
  const place = placeOf(node, output, requantised, pass);
  return rule.build(at(pass.root, node), place, node.inputs, node.attrs);
}

/** A node and the function behind it: the value of the function becomes integers. */
function buildWith(node: Node, behind: Node, output: Quantised, pass: Pass): Value {
  const before = pass.ranges.get(behind.inputs[0]) as Range;
  const evaluate = functionOf(behind);
  const clamp = clampOf(evaluate, before);
  if (clamp) {
    const [low, high] = [clamp.low, clamp.high].map((bound) => nearestInteger(bound, output, "u7"));
    return build(node, output, { to: "u7", low, high }, pass);
  }
  const wide = quantisedRange(activeRange(evaluate, before, output.scale), "u8");
  pass.roundings.set(behind.inputs[0], { ...wide, to: "u8" });
  const value = build(node, wide, { to: "u8", low: 0, high: 255 }, pass);
  return applied(behind, value, wide, output, pass);
}

/** The table of a function, read by integers; a function of nothing but another table is one table with it, since layers take no more than one. */
function applied(node: Node, x: Value, from: Quantised, to: Quantised, { root, uses }: Pass): Value {
  const table = tableOf(functionOf(node), from, to);
  const before = x.producer?.op === lookup && uses.onlyReader(node.inputs[0]) ? x.producer : undefined;
  const [operand, inner] = before?.inputs ?? [x];
  const whole = inner ? (inner.data as Float32Array).map((entry) => table[entry]) : table;
  return lookup(at(root, node), [operand, root.constant([256], whole, "u7")], {});
}

/** The function that alone reads a node's output, if there is one that can be part of the node. */
function functionBehind(node: Node, { uses, shared }: Pass): Node | undefined {
  const reader = integerRuleOf(node.op)?.givesU7 ? undefined : uses.onlyReader(node.outputs[0]);
  return reader && isFunction(reader) && shared(reader.outputs[0]) ? reader : undefined;
}

function visitBuilt(node: Node, done: Set<Node>, pass: Pass): void {
  const last = normBehind(node, pass) ?? node;
  done.add(last);
  const behind = functionBehind(last, pass);
  const final = (behind ?? last).outputs[0];
  if (integerRuleOf(node.op)?.givesFloats && !isWanted(final, pass)) {
    pass.floats.set(last.outputs[0], build(node, { scale: 1, zero: 0 }, { to: "f32", low: 0, high: 0 }, pass));
    return;
  }
  const quantised = roundedTo(final, pass);
  const value = behind ? buildWith(node, behind, quantised, pass) : build(node, quantised, WHOLE, pass);
  pass.integers.set(final, { value, quantised });
  if (behind) done.add(behind);
}

/** Emits a node as it was, over floats. */
function visitFloat(node: Node, pass: Pass): void {
  const epilogue: Fused[] = node.epilogue.map((fused) => ({ ...fused, inputs: fused.inputs.map((value) => floatOf(value, pass)) }));
  const inputs = node.inputs.map((value) => floatOf(value, pass));
  const outputs = at(pass.root, node).emit(node.op, inputs, node.attrs, epilogue);
  for (const [i, value] of outputs.entries()) pass.floats.set(node.outputs[i], value);
}

/** The output that holds the integers of a value of the float graph, where they are observed. */
export function observedName({ id }: Value): string {
  return `integers of ${id}`;
}

/**
 * The integer form of a graph for inference (folded, not fused) whose activations lie within `ranges`. `isObserved` makes outputs of all
 * integers, to be compared with the floats that they stand for.
 */
export function toInteger(graph: Graph, ranges: ReadonlyMap<Value, Range>, { isObserved = false } = {}): IntegerGraph {
  const root = extendScope({ leaves: graph.leaves, nodes: [], outputs: {}, updates: [] });
  const floats = new Map(graph.leaves.map((leaf) => [leaf, leaf]));
  const common = { root, uses: usesOf(graph), ranges, shared: sharedRanges(graph, ranges) };
  const pass: Pass = { ...common, integers: new Map(), floats, filters: [], names: new Map(), roundings: new Map() };
  const done = new Set<Node>();
  const left: Node[] = [];
  for (const node of graph.nodes) {
    if (done.has(node)) continue;
    const areIntegers = node.inputs.every((value) => pass.integers.has(value));
    if (isBuilt(node, pass)) visitBuilt(node, done, pass);
    else if (areIntegers && integerRuleOf(node.op)?.isKept) {
      const { quantised } = integerOf(node.inputs[0], pass);
      const inputs = node.inputs.map((value) => integerOf(value, pass).value);
      const attrs = { ...node.attrs, ...integerRuleOf(node.op)?.keptAttrs?.(quantised) };
      pass.integers.set(node.outputs[0], { value: at(root, node).emit(node.op, inputs, attrs)[0], quantised });
    } else if (areIntegers && isFunction(node) && pass.shared(node.outputs[0])) {
      const { value, quantised } = integerOf(node.inputs[0], pass);
      const output = roundedTo(node.outputs[0], pass);
      pass.integers.set(node.outputs[0], { value: applied(node, value, quantised, output, pass), quantised: output });
    } else {
      visitFloat(node, pass);
      left.push(node);
    }
  }
  for (const [name, value] of Object.entries(graph.outputs)) root.output(name, floatOf(value, pass));
  if (isObserved) for (const [value, { value: integer }] of pass.integers) root.output(observedName(value), integer);
  const quantised = new Map([...pass.integers].map(([value, held]) => [value, held.quantised]));
  const { filters, roundings } = pass;
  return { graph: fuseActivation(removeDead(root.finish())), filters, floats: left, quantised, roundings };
}
