/**
 * A shuffle of channels need not be computed where what reads it can do with channels in another order. So a shuffle is first left out: its operand
 * stands for its result, and it is remembered which channel lies where. Each op says by its record how it goes on (`reorder`): vectors of one number
 * a channel and weights are shuffled back, which `foldConstants` does once; a grouped convolution reads its channels from where they lie; functions,
 * pools and depthwise convolutions leave their results in that order, too. The shuffles are made up for in front of ops that cannot, and of outputs.
 */
import { isSameShape, type Shape, size } from "../core/shape.ts";
import { type Graph, type Node, operands, type Value } from "../ir/graph.ts";
import type { ChannelOrder, Reordering } from "../ir/op.ts";
import type { Scope } from "../ir/scope.ts";
import { channelShuffle, shuffledBack, shuffledList } from "../ops/channelShuffle.ts";
import { reshape } from "../ops/reshape.ts";
import { removeDead } from "./removeDead.ts";
import { applicationOf, type Rewriting, rewrite } from "./rewrite.ts";
import { type Uses, usesOf } from "./uses.ts";

/** What the ops of a graph may be asked. */
export interface AbsorbOptions {
  /** Convolutions may read their channels from where they lie. */
  readonly isRead: boolean;
}

/** Leaves out shuffles of channels wherever what reads them can do with another order. */
export function absorbShuffle(graph: Graph, options: AbsorbOptions): Graph {
  if (!graph.nodes.some(({ outputs: [value] }) => applicationOf(channelShuffle, value))) return graph;
  // A shuffle that would have to be made up for more than once is better computed where it is.
  const computed = new Set<Node>();
  for (;;) {
    const { graph: absorbed, made } = absorb(graph, computed, options);
    const repeated = [...made].filter(([shuffle, times]) => times > 1 && !computed.has(shuffle));
    if (repeated.length === 0) return removeDead(absorbed);
    for (const [shuffle] of repeated) computed.add(shuffle);
  }
}

/** A value in another order: what holds it in the new graph, and the shuffles of the old one that were left out. */
interface Held {
  readonly value: Value;
  readonly places: readonly number[];
  readonly left: readonly Node[];
}

function groupsOf(shuffle: Node): number {
  return (shuffle.attrs as { readonly groups: number }).groups;
}

function orderOf({ places, left }: Held): ChannelOrder {
  return { places, shuffles: left.map(groupsOf) };
}

function isSameOrder(a: Held, b: Held): boolean {
  return a.places.length === b.places.length && a.places.every((place, i) => place === b.places[i]);
}

/** An attempt in progress. */
interface Attempt {
  readonly uses: Uses;
  readonly held: Map<Value, Held>;
  /** How often each shuffle was made up for. */
  readonly made: Map<Node, number>;
}

function absorb(graph: Graph, computed: ReadonlySet<Node>, { isRead }: AbsorbOptions): Attempt & { readonly graph: Graph } {
  const attempt: Attempt = { uses: usesOf(graph), held: new Map(), made: new Map() };
  const absorbed = rewrite(graph, (node, rewriting) => {
    const isShuffle = applicationOf(channelShuffle, node.outputs[0]) && node.epilogue.length === 0;
    if (isShuffle && !computed.has(node)) return leaveOut(node, attempt, rewriting);
    const lead = operands(node)
      .map((value) => attempt.held.get(value))
      .find((each) => each !== undefined);
    if (!lead) return undefined;
    const isLed = node.op.isElementwise || attempt.held.get(node.inputs[0]) === lead;
    const rule = isLed && node.epilogue.length === 0 ? ruleOf(node, orderOf(lead)) : undefined;
    const inputs = rule && !(rule.isRead && !isRead) ? reorderedInputs(node, rule, lead, attempt, rewriting) : undefined;
    if (!rule || !inputs) {
      for (const value of operands(node)) makeUp(value, attempt, rewriting);
      return undefined;
    }
    const outputs = rewriting.at(node.scope).emit(node.op, inputs, rule.attrs ?? node.attrs);
    if (!rule.isKept) return outputs;
    for (const [i, value] of node.outputs.entries()) hold(value, { ...lead, value: outputs[i] }, attempt, rewriting);
    return [];
  });
  return { ...attempt, graph: absorbed };
}

/** Lets the operand of a shuffle stand for its result. */
function leaveOut(shuffle: Node, attempt: Attempt, rewriting: Rewriting): readonly Value[] {
  const [x] = shuffle.inputs;
  const before = attempt.held.get(x) ?? { value: rewriting.map(x), places: Array.from({ length: x.shape[1] }, (_, i) => i), left: [] };
  const places = shuffledList(before.places, groupsOf(shuffle));
  if (places.every((place, i) => place === i)) return [before.value];
  hold(shuffle.outputs[0], { value: before.value, places, left: [...before.left, shuffle] }, attempt, rewriting);
  return [];
}

/** Remembers what holds a value in another order; what the graph is run for is made up for at once. */
function hold(value: Value, next: Held, attempt: Attempt, rewriting: Rewriting): void {
  attempt.held.set(value, next);
  if (attempt.uses.isRoot(value)) makeUp(value, attempt, rewriting);
}

/** Puts a value in its own order where the rest of the graph finds it. */
function makeUp(value: Value, attempt: Attempt, { at, put }: Rewriting): void {
  const waiting = attempt.held.get(value);
  if (!waiting) return;
  attempt.held.delete(value);
  count(waiting, attempt);
  const shuffled = (y: Value, shuffle: Node): Value => channelShuffle(at(shuffle.scope), [y], { groups: groupsOf(shuffle) });
  put(value, waiting.left.reduce(shuffled, waiting.value));
}

function count({ left }: Held, { made }: Attempt): void {
  for (const shuffle of left) made.set(shuffle, (made.get(shuffle) ?? 0) + 1);
}

/** How a node goes on. Elements of channels broadcast over an operand's one channel need no order. */
function ruleOf({ op, attrs, inputs, outputs }: Node, order: ChannelOrder): Reordering<object> | undefined {
  const shapes = inputs.map(({ shape }) => shape);
  if (op.reorder) return op.reorder(order, shapes, attrs);
  if (!op.isElementwise || outputs.length > 1) return undefined;
  return { operands: shapes.map((shape) => (shape[1] === order.places.length ? shape : undefined)), isKept: true };
}

/** A node's operands as its rule wants them, in the new graph; undefined where one cannot be had. */
function reorderedInputs(
  node: Node,
  { operands: wanted }: Reordering<object>,
  lead: Held,
  attempt: Attempt,
  rewriting: Rewriting,
): readonly Value[] | undefined {
  const { held, uses } = attempt;
  const isElsewhere = (value: Value, i: number): boolean => {
    const [waiting, shape] = [held.get(value), wanted[i]];
    return waiting !== undefined && !(shape && isSameShape(shape, value.shape) && isSameOrder(waiting, lead));
  };
  if (node.inputs.some(isElsewhere)) return undefined;
  const inputs = node.inputs.map((value, i) => {
    const waiting = held.get(value);
    if (waiting) return waiting.value;
    const [place, shape, g] = [rewriting.map(value), wanted[i], rewriting.at(node.scope).scope(String(i))];
    if (!shape) return place;
    const moved = inOrder({ old: value, place, shape }, lead, g, uses);
    if (moved || !node.op.isElementwise) return moved;
    // One of two branches has to be shuffled: the other one's order may be that of a later sum, too.
    count(lead, attempt);
    return shuffledBack(g, place, orderOf(lead).shuffles);
  });
  return inputs.every((value) => value !== undefined) ? inputs : undefined;
}

/** A value that has to lie in another order: in the old graph and in the new one, and the shape under which its channels are axis 1. */
interface Wanted {
  readonly old: Value;
  readonly place: Value;
  readonly shape: Shape;
}

/** A value in another order, at no cost to a run: a stored one is shuffled back, one that nothing else reads is computed in that order, if it can be. */
function inOrder({ old, place, shape }: Wanted, lead: Held, g: Scope, uses: Uses): Value | undefined {
  if (isStored(place)) return reordered(g, place, shape, lead);
  const { producer } = place;
  const before = old.producer;
  if (!producer || !before || producer.op !== before.op || producer.epilogue.length > 0 || !uses.onlyReader(old)) return undefined;
  const rule = backwardRule(producer, lead);
  const inputs = producer.inputs.map((input, i) => {
    const wanted = rule?.operands[i];
    return wanted ? inOrder({ old: before.inputs[i], place: input, shape: wanted }, lead, g.scope(String(i)), uses) : input;
  });
  if (!rule || !inputs.every((value) => value !== undefined)) return undefined;
  return g.emit(producer.op, inputs, rule.attrs ?? producer.attrs)[0];
}

/** What a node's operands must be so that its output lies in another order: by its rows, by its rule, or, where its channels are several times those, part by part. */
function backwardRule(node: Node, lead: Held): Pick<Reordering<object>, "attrs" | "operands"> | undefined {
  const { op, attrs, inputs, outputs } = node;
  const count = lead.places.length;
  const parts = outputs[0].shape[1] / count;
  const rows = op.rowInputs?.(attrs) ?? [];
  if (rows.length > 0) {
    const rowShape = ({ shape }: Value): Shape => [parts, count, size(shape) / shape[0]];
    return { operands: inputs.map((input, i) => (rows.includes(i) ? rowShape(input) : undefined)) };
  }
  if (parts > 1 && op.isElementwise) {
    const isWhole = ({ shape }: Value): boolean => shape[1] === outputs[0].shape[1];
    const inParts = ({ shape: [n, , ...pixels] }: Value): Shape => [n * parts, count, ...pixels];
    return { operands: inputs.map((input) => (isWhole(input) ? inParts(input) : undefined)) };
  }
  if (parts > 1) return undefined;
  const rule = ruleOf(node, orderOf(lead));
  return rule?.isKept ? rule : undefined;
}

/** Whatever depends on stored values only. */
function isStored({ kind, producer }: Value): boolean {
  return producer ? producer.inputs.every(isStored) : kind !== "input";
}

/** A stored value, its channels (axis 1 of `shape`) each where they lie in another order. */
function reordered(g: Scope, value: Value, shape: Shape, lead: Held): Value {
  const { shuffles } = orderOf(lead);
  if (isSameShape(shape, value.shape)) return shuffledBack(g, value, shuffles);
  return reshape(g, [shuffledBack(g, reshape(g, [value], { shape }), shuffles)], { shape: value.shape });
}
