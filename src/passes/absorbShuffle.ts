/**
 * A shuffle of channels need not be computed where what reads it can do with channels in another order. So a shuffle is first left out: its operand
 * stands for its result, and it is remembered which channel lies where. Each op says by its record how it goes on (`reorder`): vectors of one number
 * a channel and weights are shuffled back, which `foldConstants` does once; a grouped convolution reads its channels from where they lie; functions,
 * pools and depthwise convolutions leave their results in that order, too. The shuffles are made up for in front of ops that cannot, and of outputs.
 */
import { isSameShape, type Shape, size } from "../core/shape.ts";
import type { Graph, Node, Value } from "../ir/graph.ts";
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

/** One attempt; `made` counts how often each shuffle was made up for. */
function absorb(
  graph: Graph,
  computed: ReadonlySet<Node>,
  { isRead }: AbsorbOptions,
): { readonly graph: Graph; readonly made: ReadonlyMap<Node, number> } {
  const uses = usesOf(graph);
  const held = new Map<Value, Held>();
  const made = new Map<Node, number>();

  /** Puts a value in its own order where the rest of the graph finds it. */
  const makeUp = (value: Value, { at, put }: Rewriting): void => {
    const waiting = held.get(value);
    if (!waiting) return;
    held.delete(value);
    let y = waiting.value;
    for (const shuffle of waiting.left) {
      made.set(shuffle, (made.get(shuffle) ?? 0) + 1);
      y = channelShuffle(at(shuffle.scope), [y], { groups: groupsOf(shuffle) });
    }
    put(value, y);
  };

  const hold = (value: Value, next: Held, rewriting: Rewriting): readonly Value[] => {
    held.set(value, next);
    if (uses.isRoot(value)) makeUp(value, rewriting);
    return [];
  };

  const leaveOut = (shuffle: Node, rewriting: Rewriting): readonly Value[] => {
    const [x] = shuffle.inputs;
    const before = held.get(x) ?? { value: rewriting.map(x), places: Array.from({ length: x.shape[1] }, (_, i) => i), left: [] };
    const places = shuffledList(before.places, groupsOf(shuffle));
    if (places.every((place, i) => place === i)) return [before.value];
    return hold(shuffle.outputs[0], { value: before.value, places, left: [...before.left, shuffle] }, rewriting);
  };

  const rewritten = rewrite(graph, (node, rewriting) => {
    if (applicationOf(channelShuffle, node.outputs[0]) && node.epilogue.length === 0 && !computed.has(node)) {
      return leaveOut(node, rewriting);
    }
    const operands = [...node.inputs, ...node.epilogue.flatMap(({ inputs }) => inputs)];
    const lead = operands.map((value) => held.get(value)).find((each) => each !== undefined);
    if (!lead) return undefined;
    const isLed = node.op.isElementwise || held.get(node.inputs[0]) === lead;
    const rule = isLed && node.epilogue.length === 0 ? ruleOf(node, orderOf(lead)) : undefined;
    const inputs = rule && !(rule.isRead && !isRead) ? reorderedInputs(node, rule, lead, { uses, held, rewriting }) : undefined;
    if (!rule || !inputs) {
      for (const value of operands) makeUp(value, rewriting);
      return undefined;
    }
    const outputs = rewriting.at(node.scope).emit(node.op, inputs, rule.attrs ?? node.attrs);
    if (!rule.isKept) return outputs;
    for (const [i, value] of node.outputs.entries()) hold(value, { ...lead, value: outputs[i] }, rewriting);
    return [];
  });
  return { graph: rewritten, made };
}

/** How a node goes on. Elements of channels broadcast over an operand's one channel need no order. */
function ruleOf({ op, attrs, inputs, outputs }: Node, order: ChannelOrder): Reordering<object> | undefined {
  const shapes = inputs.map(({ shape }) => shape);
  if (op.reorder) return op.reorder(order, shapes, attrs);
  if (!op.isElementwise || outputs.length > 1) return undefined;
  return { operands: shapes.map((shape) => (shape[1] === order.places.length ? shape : undefined)), isKept: true };
}

interface Reading {
  readonly uses: Uses;
  readonly held: ReadonlyMap<Value, Held>;
  readonly rewriting: Rewriting;
}

/** A node's operands as its rule wants them, in the new graph; undefined where one cannot be had. */
function reorderedInputs(node: Node, { operands }: Reordering<object>, lead: Held, reading: Reading): readonly Value[] | undefined {
  const { held, rewriting, uses } = reading;
  const g = rewriting.at(node.scope);
  const inputs = node.inputs.map((value, i) => {
    const shape = operands[i];
    const waiting = held.get(value);
    if (waiting) return shape && isSameShape(shape, value.shape) && isSameOrder(waiting, lead) ? waiting.value : undefined;
    const place = rewriting.map(value);
    return shape ? inOrder({ old: value, place, shape }, lead, g.scope(String(i)), uses) : place;
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
