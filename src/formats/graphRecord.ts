/**
 * A network's graph as plain JSON, for models whose network is in no table: leaves and nodes in order, values by their number (leaves first,
 * then the output of each node). Only ops with rules for their attributes can be written; the reader believes nothing.
 */
import { FormatError, InternalError, ShapeError } from "../core/errors.ts";
import { type Shape, size } from "../core/shape.ts";
import { nearest } from "../core/suggest.ts";
import { counts } from "../ir/attributes.ts";
import type { Graph, Value } from "../ir/graph.ts";
import type { AnyOp } from "../ir/op.ts";
import { graphScope, type Scope } from "../ir/scope.ts";
import { attributeRulesOf, storedOps } from "../ops/attributeRules.ts";

/** A leaf of a stored graph. */
export interface LeafRecord {
  readonly kind: "input" | "parameter" | "state";
  readonly name: string;
  readonly shape: Shape;
}

/** One application of an op in a stored graph. */
export interface NodeRecord {
  readonly op: string;
  readonly at: string;
  readonly reads: readonly number[];
  readonly attrs: Readonly<Record<string, unknown>>;
}

/** A stored graph. */
export interface GraphRecord {
  readonly leaves: readonly LeafRecord[];
  readonly nodes: readonly NodeRecord[];
  readonly outputs: Readonly<Record<string, number>>;
}

const kinds = ["input", "parameter", "state"] as const;
/** Leaves and nodes that a graph may have, and elements that a value may. */
const MOST_PARTS = 100_000;
const MOST_ELEMENTS = 2 ** 31;
const start = { kind: "constant", value: 0 } as const;

/** A graph for inference (one output a node, no epilogues, no constants, no updates) as a record. */
export function graphRecord(graph: Graph): GraphRecord {
  const numbers = new Map<Value, number>();
  const number = (value: Value): number => numbers.get(value) ?? unknown(value);
  const leaves = graph.leaves.map((leaf) => {
    numbers.set(leaf, numbers.size);
    const kind = kinds.find((each) => each === leaf.kind);
    if (!kind) throw new InternalError(`a ${leaf.kind} cannot be stored with a graph`);
    return { kind, name: leaf.name as string, shape: leaf.shape };
  });
  const nodes = graph.nodes.map(({ op, scope, inputs, attrs, outputs, epilogue }) => {
    const rules = attributeRulesOf(op);
    if (!rules || outputs.length !== 1 || epilogue.length > 0) throw new InternalError(`${op.name} cannot be stored with a graph`);
    const kept = Object.entries(attrs).filter(([name, value]) => Object.hasOwn(rules, name) && value !== undefined);
    const reads = inputs.map(number);
    numbers.set(outputs[0], numbers.size);
    return { op: op.name, at: scope, reads, attrs: Object.fromEntries(kept) };
  });
  return { leaves, nodes, outputs: Object.fromEntries(Object.entries(graph.outputs).map(([name, value]) => [name, number(value)])) };
}

function unknown({ id }: Value): never {
  throw new InternalError(`%${id} is read before it is computed`);
}

type Fields = Readonly<Record<string, unknown>>;

/** An object with just these keys. */
function fields(value: unknown, names: readonly string[], place: string): Fields {
  const found = typeof value === "object" && value !== null && !Array.isArray(value) ? Object.keys(value) : [];
  if (found.length !== names.length || !names.every((name) => found.includes(name)))
    throw new FormatError(`${place}: needed is an object of ${names.join(", ")}`);
  return value as Fields;
}

function list(value: unknown, place: string): readonly unknown[] {
  if (!Array.isArray(value) || value.length > MOST_PARTS) throw new FormatError(`${place}: needed is a list of at most ${MOST_PARTS}`);
  return value;
}

function shapeOf(value: unknown, place: string): Shape {
  const isShape = counts.accepts(value) && (value as Shape).every((extent) => extent > 0) && size(value as Shape) <= MOST_ELEMENTS;
  if (!isShape) throw new FormatError(`${place}: needed is a shape of at most eight extents from 1 on and at most 2³¹ elements`);
  return value as Shape;
}

function readLeaf(g: Scope, value: unknown, place: string, names: Set<string>): Value {
  const { kind, name, shape: given } = fields(value, ["kind", "name", "shape"], place);
  if (typeof name !== "string" || name === "" || names.has(name))
    throw new FormatError(`${place}: needed is a name of its own, found ${JSON.stringify(name)}`);
  names.add(name);
  const shape = shapeOf(given, place);
  if (kind === "input") return g.input(name, shape);
  if (kind === "parameter" || kind === "state") return g[kind](name, shape, start);
  throw new FormatError(`${place}: kind is ${JSON.stringify(kind)}, needed one of ${kinds.join(", ")}`);
}

function opOf(name: unknown, place: string): AnyOp {
  if (typeof name === "string" && Object.hasOwn(storedOps, name)) return storedOps[name as keyof typeof storedOps];
  const near = typeof name === "string" && name.length < 64 ? nearest(name, Object.keys(storedOps)) : undefined;
  const shown = String(JSON.stringify(name)).slice(0, 80);
  throw new FormatError(`${place}: no stored graph has an op ${shown}${near ? `; did you mean "${near}"?` : ""}`);
}

/** Attributes that the op's rules accept, and no others. */
function attributesOf(op: AnyOp, value: unknown, place: string): object {
  const attributes = attributeRulesOf(op) ?? {};
  const given = typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
  for (const name of Object.keys(given))
    if (!Object.hasOwn(attributes, name)) throw new FormatError(`${place}: no attribute ${JSON.stringify(name)}`);
  for (const [name, rule] of Object.entries(attributes)) {
    const held = Object.hasOwn(given, name) ? given[name] : undefined;
    if (!rule.accepts(held)) throw new FormatError(`${place}: ${name} is ${JSON.stringify(held) ?? "absent"}, needed ${rule.needed}`);
  }
  return { ...given };
}

function readNode(g: Scope, value: unknown, values: readonly Value[], place: string): Value {
  const { op: name, at, reads: given, attrs } = fields(value, ["op", "at", "reads", "attrs"], place);
  const op = opOf(name, place);
  if (typeof at !== "string") throw new FormatError(`${place}: at is ${JSON.stringify(at)}, needed a text`);
  const reads = list(given, `${place}: reads`).map((number) => valueAt(number, values, place));
  try {
    const y = (at === "" ? g : g.scope(at)).emit(op, reads, attributesOf(op, attrs, place));
    shapeOf(y[0].shape, place);
    return y[0];
  } catch (cause) {
    // A rule of shapes may meet fewer operands than it reads.
    if (cause instanceof ShapeError || cause instanceof TypeError) throw new FormatError(`${place}: ${cause.message}`, { cause });
    throw cause;
  }
}

function valueAt(number: unknown, values: readonly Value[], place: string): Value {
  const value = Number.isInteger(number) ? values[number as number] : undefined;
  if (!value) throw new FormatError(`${place}: value ${JSON.stringify(number)}, needed one of the ${values.length} before it`);
  return value;
}

/** Reads a record; throws FormatError where it is none. `where` begins every error. */
export function readGraphRecord(record: unknown, where = "graph"): Graph {
  const { leaves, nodes, outputs } = fields(record, ["leaves", "nodes", "outputs"], where);
  const g = graphScope();
  const values: Value[] = [];
  const names = new Set<string>();
  for (const [i, leaf] of list(leaves, `${where}: leaves`).entries()) values.push(readLeaf(g, leaf, `${where}: leaf ${i}`, names));
  for (const [i, node] of list(nodes, `${where}: nodes`).entries()) values.push(readNode(g, node, values, `${where}: node ${i}`));
  if (typeof outputs !== "object" || outputs === null) throw new FormatError(`${where}: outputs: needed is an object of numbers of values`);
  for (const [name, number] of Object.entries(outputs)) g.output(name, valueAt(number, values, `${where}: output ${JSON.stringify(name)}`));
  return g.finish();
}
