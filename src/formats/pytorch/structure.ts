/**
 * From a graph to modules: its scopes are the tree of PyTorch's modules. A scope becomes a layer (one op), a sequence (a chain of numbered layers),
 * a block (a class with a forward of its own) or, where what lies in it is not computed in one go, a list that its parent's forward reaches into.
 */
import { InternalError, OptionError } from "../../core/errors.ts";
import { type Graph, type Node, place, type Value } from "../../ir/graph.ts";
import type { Call } from "./call.ts";
import { cut, type Flow, flowOf, type Item, inputsOf, joined, operandsOf } from "./flow.ts";
import { operators, type Saying } from "./operators.ts";
import { type Block, type Child, isNumber, type Layer, type Part, type Placed, type Sequence, type Step } from "./parts.ts";

/** Nodes that are computed in one go, and their module where they have one. */
interface Piece extends Item {
  readonly part: Part | undefined;
}

/** The modules of a graph that was built for training. */
export function structureOf(graph: Graph): Block {
  const flow = flowOf(graph);
  return blockOf(flow, "", piecesOf(flow, "", graph.nodes), [flow.image]);
}

function sayingOf({ op }: Node): Saying | undefined {
  return Object.hasOwn(operators, op.name) ? operators[op.name as keyof typeof operators] : undefined;
}

function hasWeights(node: Node): boolean {
  return operandsOf(node).stored.length > 0;
}

function layerOf(node: Node): Layer | undefined {
  const saying = sayingOf(node);
  const call = saying?.module?.(operandsOf(node), node.attrs);
  return call && saying ? { kind: "layer", call, word: saying.word } : undefined;
}

function piecesOf(flow: Flow, path: string, nodes: readonly Node[]): readonly Piece[] {
  const partOfItem = (item: Item): Part | undefined =>
    item.path ? partOf(flow, item.path.reduce(joined, path), item.nodes) : layerOf(item.nodes[0]);
  return cut(flow, path, nodes).map((item) => ({ ...item, part: partOfItem(item) }));
}

function partOf(flow: Flow, path: string, nodes: readonly Node[]): Part {
  const layer = nodes.length === 1 && nodes[0].scope === path ? layerOf(nodes[0]) : undefined;
  if (layer) return layer;
  const pieces = piecesOf(flow, path, nodes);
  return sequenceOf(flow, path, pieces) ?? blockOf(flow, path, pieces, inputsOf(nodes));
}

function placed(flow: Flow, path: string, pieces: readonly Piece[], [input]: readonly Value[]): Placed {
  const [output] = flow.outputsOf(pieces.flatMap(({ nodes }) => nodes));
  return { path, from: input.shape, to: output.shape };
}

const identity: Layer = { kind: "layer", call: { callee: "nn.Identity", args: [] }, word: "" };

/** True where a piece reads what the one before it gives, and nobody else does. */
function follows(flow: Flow, { nodes }: Piece, before: Piece | undefined): boolean {
  const [input, ...others] = inputsOf(nodes);
  if (others.length > 0) return false;
  return before === undefined || (input === flow.outputsOf(before.nodes)[0] && flow.readersOf(input).every((node) => nodes.includes(node)));
}

/** The number that a piece has or may take; undefined where it cannot be an item of a sequence. */
function numberOf({ path, nodes }: Piece, free: number): number | undefined {
  if (path === undefined) return nodes.some(hasWeights) ? undefined : free;
  return path.length === 1 && isNumber({ name: path[0] }) && Number(path[0]) >= free ? Number(path[0]) : undefined;
}

/** A chain of modules under the names "0", "1", …; own nodes take the numbers that are free. */
function sequenceOf(flow: Flow, path: string, pieces: readonly Piece[]): Sequence | undefined {
  const items: Part[] = [];
  for (const [i, piece] of pieces.entries()) {
    const number = numberOf(piece, items.length);
    if (!piece.part || number === undefined || !follows(flow, piece, pieces[i - 1])) return undefined;
    while (items.length < number) items.push(identity);
    items.push(piece.part);
  }
  return { kind: "sequence", items, ...placed(flow, path, pieces, inputsOf(pieces[0].nodes)) };
}

/** A block while it is put together. */
interface Draft {
  readonly children: Child[];
  readonly steps: Step[];
  /** First names that pieces will have. */
  readonly taken: ReadonlySet<string>;
  base?: Call;
  word: string;
}

function blockOf(flow: Flow, path: string, pieces: readonly Piece[], inputs: readonly Value[]): Block {
  const taken = new Set(pieces.flatMap((piece) => piece.path?.slice(0, 1) ?? []));
  const draft: Draft = { children: [], steps: [], taken, word: "Block" };
  const known = new Map<Value, number>(inputs.map((value, i) => [value, i]));
  for (const piece of pieces) {
    const values = piece.path ? inputsOf(piece.nodes) : operandsOf(piece.nodes[0]).data;
    const operands = values.map((value) => known.get(value) as number);
    draft.steps.push({ ...stepOf(draft, piece), operands });
    known.set(flow.outputsOf(piece.nodes)[0], inputs.length + draft.steps.length - 1);
  }
  const { children, steps, base, word } = draft;
  const own = { children, ...(base ? { base } : {}), inputs: inputs.length, steps, word };
  return { kind: "block", ...own, ...placed(flow, path, pieces, inputs) };
}

/** What a forward does for one piece; puts its module into the draft. */
function stepOf(draft: Draft, { path, nodes: [node], part }: Piece): Omit<Step, "operands"> {
  if (path && part) {
    addChild(draft.children, path, part);
    return { path };
  }
  const saying = sayingOf(node);
  if (!saying) throw new OptionError(`"${node.op.name}" at "${node.scope}" cannot be said in PyTorch; only float networks can`);
  const pieces = saying.expression?.(operandsOf(node), node.attrs);
  if (pieces) {
    if (saying.isJoint) draft.word = saying.word;
    return { pieces };
  }
  if (part?.kind !== "layer") throw new OptionError(`${place(node)} cannot be said in PyTorch with these attributes`);
  if (hasWeights(node)) {
    if (draft.base) throw new OptionError(`${place(node)} has its weights beside another layer's; PyTorch needs a name for each`);
    draft.base = part.call;
    return { path: [] };
  }
  const name = freeName(saying.attribute ?? saying.word.toLowerCase(), draft);
  addChild(draft.children, [name], part);
  return { path: [name] };
}

function freeName(wanted: string, { children, taken }: Draft): string {
  const held = new Set([...children.map(({ name }) => name), ...taken]);
  let name = wanted;
  for (let i = 2; held.has(name); i++) name = `${wanted}${i}`;
  return name;
}

/** Puts a part under its names; inner names are lists. */
function addChild(children: Child[], [name, ...rest]: readonly string[], part: Part): void {
  if (rest.length === 0) {
    children.push({ name, part });
    return;
  }
  let held = children.find((child) => child.name === name);
  if (!held) {
    held = { name, part: { kind: "list", entries: [] } };
    children.push(held);
  }
  if (held.part.kind !== "list") throw new InternalError(`"${name}" is a module and a list`);
  addChild(held.part.entries as Child[], rest, part);
}
