/** From the bytes of an ONNX file to a graph of our ops with its weights. Everything that cannot be read is named at once. */
import { FormatError, ShapeError } from "../../../core/errors.ts";
import { formatShape, type Shape, size } from "../../../core/shape.ts";
import type { Tensor } from "../../../core/tensor.ts";
import type { Graph } from "../../../ir/graph.ts";
import { graphScope, type Scope } from "../../../ir/scope.ts";
import { FLOAT, type HostTensor, isInteger, readTensor } from "../elements.ts";
import { decodeModelProto, type GraphProto, type ModelProto, type TensorProto, type ValueInfoProto } from "../schema.ts";
import { recogniseCompositions } from "./compositions.ts";
import { elementwiseReaders } from "./elementwise.ts";
import { elementBudget, folds } from "./fold.ts";
import { beginImporting, type Held, type Importing, isValue, type Reader } from "./importing.ts";
import { layerReaders } from "./layers.ts";
import { moveReaders } from "./moves.ts";
import { Attributes, type ImportedNode, importedNode, Unsupported } from "./node.ts";
import { poolingReaders } from "./pooling.ts";
import { quantisationReaders } from "./quantised.ts";
import { needed } from "./shapes.ts";
import { sizeReaders } from "./sizes.ts";

/** Operator sets that are read. */
const OLDEST = 7;
const NEWEST = 25;

/** How a file is read. */
export interface OnnxReadOptions {
  /** Shapes of inputs whose size the file leaves open, by name; of each, the first extent counts images. */
  readonly shapes?: Readonly<Record<string, Shape>>;
  /** The side of square images, for inputs of four axes whose size the file leaves open. */
  readonly size?: number;
  /** Begins every error. */
  readonly where?: string;
  /** Bytes of a tensor that the file keeps elsewhere. */
  readonly external?: ReadonlyMap<string, Uint8Array>;
}

/** What a file holds. */
export interface OnnxNetwork {
  readonly graph: Graph;
  readonly weights: ReadonlyMap<string, Tensor>;
  readonly name: string;
  readonly producer: string;
  readonly metadata: ReadonlyMap<string, string>;
}

const readers: Readonly<Record<string, Reader>> = {
  ...elementwiseReaders,
  ...layerReaders,
  ...moveReaders,
  ...poolingReaders,
  ...sizeReaders,
  ...quantisationReaders,
};

/** Operators that do nothing when a network is not in training. */
const passing = new Set(["Dropout", "Identity"]);

/** A part of a file that is not read, and where. */
interface Problem {
  readonly what: string;
  readonly where: string;
}

/** Problems that are listed; more are counted. */
const MOST_LISTED = 20;

function refuse(where: string, problems: readonly Problem[]): never {
  const places = new Map<string, string[]>();
  for (const { what, where: place } of problems) places.set(what, [...(places.get(what) ?? []), place]);
  const lines = [...places].slice(0, MOST_LISTED).map(([what, at]) => {
    const shown = at.slice(0, 4).map((place) => JSON.stringify(place.slice(0, 120)));
    return `\n  ${what}  at ${shown.join(", ")}${at.length > shown.length ? ` and ${at.length - shown.length} more` : ""}`;
  });
  const rest = places.size > lines.length ? `\n  and ${places.size - lines.length} more` : "";
  throw new FormatError(`${where}: this network needs what Goldcrest does not read:${lines.join("")}${rest}`);
}

/** The number of the operator set; refuses what is not known. */
function opsetOf({ opsetImport }: ModelProto, where: string): number {
  const own = opsetImport.find(({ domain }) => domain === "" || domain === "ai.onnx");
  const version = Number(own?.version ?? 0);
  if (!(version >= OLDEST && version <= NEWEST))
    throw new FormatError(`${where}: operator set ${version || "of no number"}; operator sets ${OLDEST} to ${NEWEST} are read`);
  return version;
}

/** Stored tensors by name, those of other files filled in. */
function initializersOf(graph: GraphProto, where: string, external: ReadonlyMap<string, Uint8Array>): Map<string, HostTensor> {
  const stored = new Map<string, HostTensor>();
  for (const tensor of graph.initializer) {
    if (stored.has(tensor.name)) throw new FormatError(`${where}: two tensors named ${JSON.stringify(tensor.name)}`);
    stored.set(tensor.name, readTensor(tensor, `${where}: tensor ${JSON.stringify(tensor.name)}`, outsideOf(tensor, where, external)));
  }
  return stored;
}

function outsideOf({ name, dataLocation }: TensorProto, where: string, external: ReadonlyMap<string, Uint8Array>): Uint8Array | undefined {
  if (dataLocation === 0) return undefined;
  const bytes = external.get(name);
  if (!bytes)
    throw new FormatError(`${where}: tensor ${JSON.stringify(name)} lies in another file; a file is read with its folder by its path`);
  return bytes;
}

/** The shape of an input, one image a run where the file leaves that open. */
function inputShape({ name, type }: ValueInfoProto, { shapes = {}, size: side, where = "model" }: OnnxReadOptions): Shape {
  const tensor = type?.tensorType;
  const place = `${where}: input ${JSON.stringify(name)}`;
  if (!tensor || (tensor.elemType !== FLOAT && tensor.elemType !== 10)) throw new FormatError(`${place} is not of floats`);
  const asked = shapes[name];
  const stated = tensor.shape?.dim.map(({ dimValue }) => Number(dimValue ?? 0n)) ?? [];
  const filled = stated.map((extent, axis) => {
    if (extent > 0) return extent;
    return axis === 0 ? 1 : stated.length === 4 && axis >= 2 ? (side ?? 0) : 0;
  });
  const shape = asked ?? filled;
  const isFit =
    shape.length > 0 && shape.length <= 5 && shape.every((extent) => Number.isSafeInteger(extent) && extent > 0) && size(shape) <= 2 ** 28;
  if (!isFit) throw new FormatError(`${place} is ${formatShape(filled)}, where 0 is left open; give the size of the images`);
  return shape;
}

/** Nodes that lead to an output; refuses orders in which a value is read before it is computed. */
function neededNodes(nodes: readonly ImportedNode[], outputs: readonly string[]): readonly ImportedNode[] {
  const read = new Set(outputs);
  return nodes
    .toReversed()
    .filter((node) => {
      if (!node.outputs.some((name) => read.has(name))) return false;
      for (const input of node.inputs) read.add(input);
      return true;
    })
    .toReversed();
}

/** Checks that names are given once and known where they are read; a cycle has no such order. */
function checkOrder(nodes: readonly ImportedNode[], known: ReadonlySet<string>, where: string): void {
  const defined = new Set(known);
  for (const { name, type, inputs, outputs } of nodes) {
    const missing = inputs.find((input) => input !== "" && !defined.has(input));
    if (missing !== undefined)
      throw new FormatError(`${where}: ${type} at ${JSON.stringify(name)} reads ${JSON.stringify(missing)} before anything computes it`);
    for (const output of outputs) {
      if (output !== "" && defined.has(output)) throw new FormatError(`${where}: ${JSON.stringify(output)} is computed twice`);
      defined.add(output);
    }
  }
}

/** The place of a node as a path of names: what exporters put before the last dash. */
function scopeOf(root: Scope, { name }: ImportedNode): Scope {
  const parts = name.split("/").filter((part) => part !== "");
  const own = parts.length > 1 ? parts.slice(0, -1) : parts;
  const short = own.filter((part, i) => !own[i + 1]?.startsWith(`${part}.`));
  return short.length === 0 ? root : root.scope(short.join("."));
}

/** Elements that one value may have. */
const MOST_ELEMENTS = 2 ** 31;

/** What the outputs of a node stand for, by name. */
function readNode(node: ImportedNode, held: ReadonlyMap<string, Held>, model: Importing): readonly (readonly [string, Held])[] {
  const inputs = node.inputs.map((name) => (name === "" ? undefined : held.get(name)));
  const attributes = new Attributes(node.attributes);
  const results = resultsOf(node, inputs, attributes, model);
  const rest = attributes.rest();
  if (rest.length > 0) throw new Unsupported(`attribute ${rest.join(", ")}`);
  const wanted = node.outputs.flatMap((name, i) => (name === "" ? [] : [[name, results[i]] as const]));
  if (wanted.some(([, result]) => result === undefined) && !passing.has(node.type)) throw new Unsupported(`${node.outputs.length} outputs`);
  if (results.some((result) => isValue(result) && size(result.shape) > MOST_ELEMENTS))
    throw new Unsupported(`more than ${MOST_ELEMENTS} elements`);
  return wanted.filter(([, result]) => result !== undefined);
}

function resultsOf(node: ImportedNode, inputs: readonly (Held | undefined)[], attributes: Attributes, model: Importing): readonly Held[] {
  if (passing.has(node.type)) {
    attributes.ignore("ratio", "seed");
    return [needed(inputs, 0)];
  }
  if (!inputs.some(isValue) && Object.hasOwn(folds, node.type)) {
    const constants = inputs as readonly (HostTensor | undefined)[];
    return folds[node.type]({ inputs: constants, attributes, spend: model.spend, outputs: node.outputs.length });
  }
  if (node.type === "Cast") {
    const to = attributes.number("to") ?? FLOAT;
    attributes.ignore("saturate");
    if (isInteger(to)) throw new Unsupported("computed numbers to whole ones");
    return [needed(inputs, 0)];
  }
  const results = readers[node.type]({ model, node, attributes, inputs, g: scopeOf(model.root, node) });
  return Array.isArray(results) ? results : [results as Held];
}

/** Layers whose second operand is stored; a product of two computed tensors is none of them. */
const weighted = new Set(["Conv", "ConvTranspose", "Gemm", "MatMul"]);

/** What is wrong with a node whatever its operands' shapes; `isComputed` tells values from constants. */
function fault({ type, domain, inputs }: ImportedNode, isComputed: (name: string) => boolean): string | undefined {
  const isRead = Object.hasOwn(readers, type) || passing.has(type) || type === "Cast";
  if (domain !== "" || !(isRead || Object.hasOwn(folds, type))) return `operator ${domain === "" ? type : `${domain}.${type}`}`;
  if (!isRead && inputs.some(isComputed)) return `${type} of computed numbers`;
  return weighted.has(type) && inputs.slice(0, 2).every(isComputed) ? `${type} of two computed tensors` : undefined;
}

/** Reads all nodes. What depends on one that cannot be read is looked at as far as that goes without shapes. */
function readNodes(nodes: readonly ImportedNode[], held: Map<string, Held>, model: Importing): readonly Problem[] {
  const problems: Problem[] = [];
  const lost = new Set<string>();
  for (const node of nodes) {
    const wrong = fault(node, (name) => lost.has(name) || isValue(held.get(name)));
    const isLost = wrong !== undefined || node.inputs.some((name) => name !== "" && !held.has(name));
    if (wrong !== undefined) problems.push({ what: wrong, where: node.name });
    try {
      if (!isLost) for (const [name, result] of readNode(node, held, model)) held.set(name, result);
    } catch (error) {
      if (!(error instanceof Unsupported || error instanceof ShapeError || error instanceof FormatError)) throw error;
      problems.push({ what: `${node.type}: ${error.message}`, where: node.name });
    }
    // What the shape of something lost gives is unknown, but no computed number.
    const isComputed = wrong !== undefined || node.inputs.some((name) => lost.has(name) || isValue(held.get(name)));
    if (isComputed && node.type !== "Shape") for (const name of node.outputs) if (!held.has(name)) lost.add(name);
  }
  return problems;
}

/** What stands between a stored tensor and the layer that reads it. */
const storing = new Set(["Cast", "Constant", "DequantizeLinear", "Identity"]);

/** Brings stored tensors to where they are read and returns the other nodes; a node that cannot be computed is left, to be named with the rest. */
function resolveStored(nodes: readonly ImportedNode[], constants: Map<string, HostTensor>, model: Importing): readonly ImportedNode[] {
  return nodes.filter((node) => {
    const isStored = storing.has(node.type) && node.domain === "" && node.inputs.every((name) => name === "" || constants.has(name));
    if (!isStored) return true;
    try {
      for (const [name, result] of readNode(node, constants, model)) constants.set(name, result as HostTensor);
      return false;
    } catch (error) {
      if (error instanceof Unsupported || error instanceof FormatError) return true;
      throw error;
    }
  });
}

/** Nodes with their attributes; what cannot be read of them is a problem, too. */
function nodesOf(graph: GraphProto): { readonly nodes: readonly ImportedNode[]; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const nodes = graph.node.flatMap((proto, index) => {
    try {
      return [importedNode(proto, index)];
    } catch (error) {
      problems.push({ what: `${proto.opType}: ${(error as Error).message}`, where: proto.name || `node ${index}` });
      return [];
    }
  });
  return { nodes, problems };
}

/** Reads an ONNX model. Inputs and outputs keep their names; one image a run unless `shapes` says otherwise. */
export function readOnnx(file: Uint8Array, options: OnnxReadOptions = {}): OnnxNetwork {
  const { where = "model", external = new Map() } = options;
  const proto = decodeModelProto(file, where);
  const { graph } = proto;
  if (!graph || graph.node.length === 0) throw new FormatError(`${where}: an ONNX model without a network`);
  const opset = opsetOf(proto, where);
  const constants = initializersOf(graph, where, external);
  const { nodes, problems } = nodesOf(graph);
  const inputs = graph.input.filter(({ name }) => !constants.has(name));
  const outputs = graph.output.map(({ name }) => name);
  if (problems.length > 0) refuse(where, problems);
  checkOrder(nodes, new Set([...constants.keys(), ...inputs.map(({ name }) => name)]), where);
  const root = graphScope();
  const stored = [...constants.values()].reduce((sum, { data }) => sum + data.length, 0);
  const model = beginImporting(root, opset, elementBudget(stored));
  const rest = resolveStored(nodes, constants, model);
  const held = new Map<string, Held>(constants);
  for (const info of inputs) held.set(info.name, root.input(info.name, inputShape(info, options)));
  const found = readNodes(neededNodes(recogniseCompositions(rest, constants), outputs), held, model);
  if (found.length > 0) refuse(where, found);
  for (const name of outputs) {
    const value = held.get(name);
    if (!isValue(value))
      throw new FormatError(`${where}: output ${JSON.stringify(name)} ${value ? "is a constant" : "is computed by nothing"}`);
    root.output(name, value);
  }
  return {
    graph: root.finish(),
    weights: model.weights,
    name: graph.name,
    producer: proto.producerName,
    metadata: new Map(proto.metadataProps.map(({ key, value }) => [key, value])),
  };
}
