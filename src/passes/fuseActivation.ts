/**
 * An elementwise op whose operand comes from a node that takes an epilogue, and is read by nobody else, is applied where that node writes its
 * output. In a training graph the same condition keeps gradients right: a gradient op that reads the value before the activation is a second
 * reader. (ReLU, ReLU6 and sigmoid tell their slope from their output, so they do fuse there.)
 */
import { isSameShape } from "../core/shape.ts";
import { dtypeOf, type Fused, type Graph, type Node, type Value } from "../ir/graph.ts";
import { emitCopy, rewrite } from "./rewrite.ts";
import { type Uses, usesOf } from "./uses.ts";

/** Moves elementwise ops into the epilogue of the node that computes their operand; residual additions too. */
export function fuseActivation(graph: Graph): Graph {
  const chains = findChains(graph);
  const last = new Map([...chains].map(([producer, chain]) => [chain.nodes.at(-1) as Node, producer]));
  const isInner = new Set([...chains].flatMap(([producer, chain]) => [producer, ...chain.nodes.slice(0, -1)]));
  return rewrite(graph, (node, rewriting) => {
    if (isInner.has(node)) return [];
    const producer = last.get(node);
    if (!producer) return undefined;
    // The producer moves to where the last op of its chain was: all further operands exist there.
    const outputs = emitCopy(producer, rewriting, chains.get(producer)?.fused);
    for (const [i, value] of outputs.entries()) rewriting.put(producer.outputs[i], value);
    return [outputs[0]];
  });
}

/** Ops to fuse into one producer, in order. */
interface Chain {
  readonly nodes: Node[];
  readonly fused: Fused[];
}

function findChains(graph: Graph): ReadonlyMap<Node, Chain> {
  const uses = usesOf(graph);
  const order = new Map(graph.nodes.map((node, i) => [node, i]));
  const chains = new Map<Node, Chain>();
  /** Which producer will hold the value of a node that is already fused. */
  const holder = new Map<Node, Node>();
  for (const node of graph.nodes) {
    if (!node.op.isElementwise || node.outputs.length !== 1 || node.epilogue.length > 0) continue;
    const operand = fusableOperand(node, uses, order, holder);
    if (operand === undefined) continue;
    const source = node.inputs[operand].producer as Node;
    const producer = holder.get(source) ?? source;
    const chain = chains.get(producer) ?? { nodes: [], fused: [] };
    chain.nodes.push(node);
    chain.fused.push({ op: node.op, attrs: node.attrs, inputs: node.inputs.filter((_, i) => i !== operand) });
    chains.set(producer, chain);
    holder.set(node, producer);
  }
  return chains;
}

/** Index of the operand whose producer can apply the node; of two, the one computed later. */
function fusableOperand(node: Node, uses: Uses, order: ReadonlyMap<Node, number>, holder: ReadonlyMap<Node, Node>): number | undefined {
  const [first, ...others] = node.inputs;
  // A table is no operand of every element.
  if (!others.every((value) => isSameShape(value.shape, first.shape) || dtypeOf(value) !== "f32")) return undefined;
  const age = (i: number): number => order.get(node.inputs[i].producer as Node) as number;
  const isFusable = (i: number): boolean => canHold(node.inputs[i], node, uses, order, holder);
  const candidates = (node.op.isCommutative ? [0, 1] : [0]).filter(isFusable);
  return candidates.sort((a, b) => age(b) - age(a))[0];
}

function canHold(value: Value, node: Node, uses: Uses, order: ReadonlyMap<Node, number>, holder: ReadonlyMap<Node, Node>): boolean {
  const source = value.producer;
  if (!source || value.index !== 0 || uses.onlyReader(value) !== node) return false;
  const producer = holder.get(source) ?? source;
  if (!producer.op.takesEpilogue) return false;
  const here = order.get(node) as number;
  // The producer's other outputs (batch statistics) will exist from here on only.
  return producer.outputs.slice(1).every((other) => uses.readers(other).every((reader) => (order.get(reader) as number) > here));
}
