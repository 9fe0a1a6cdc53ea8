/**
 * A shuffle of channels and an elementwise function of them may change places; so may a shuffle and a normalisation with stored statistics, whose
 * vectors are shuffled back. Behind them, the shuffle no longer separates a layer from what that layer could carry.
 */
import { size } from "../core/shape.ts";
import type { Graph, Value } from "../ir/graph.ts";
import type { Scope } from "../ir/scope.ts";
import { batchNorm } from "../ops/batchNorm.ts";
import { channelShuffle } from "../ops/channelShuffle.ts";
import { reshape } from "../ops/reshape.ts";
import { removeDead } from "./removeDead.ts";
import { applicationOf, rewrite } from "./rewrite.ts";
import { usesOf } from "./uses.ts";

/** Moves shuffles behind the functions of one operand and the normalisations that alone read them. */
export function sinkShuffle(graph: Graph): Graph {
  if (!graph.nodes.some(({ outputs: [value] }) => applicationOf(channelShuffle, value))) return graph;
  const uses = usesOf(graph);
  const sunk = rewrite(graph, (node, { at, map, mapEpilogue }) => {
    const [operand, ...vectors] = node.inputs;
    const isNorm = applicationOf(batchNorm, node.outputs[0]) !== undefined;
    const isFunction = node.op.isElementwise && vectors.length === 0 && node.outputs.length === 1;
    if (!(isNorm || isFunction) || node.epilogue.length > 0 || uses.onlyReader(operand) !== node) return undefined;
    // Looked up in the new graph: the shuffle may have come down from further up.
    const shuffle = applicationOf(channelShuffle, map(operand));
    if (!shuffle || shuffle.node.epilogue.length > 0) return undefined;
    const g = at(node.scope);
    const inputs = [
      shuffle.node.inputs[0],
      ...vectors.map((vector, i) => shuffledBack(g.scope(String(i)), map(vector), shuffle.attrs.groups)),
    ];
    const [y] = g.emit(node.op, inputs, node.attrs, mapEpilogue(node.epilogue));
    return [channelShuffle(at(shuffle.node.scope), [y], shuffle.attrs)];
  });
  return removeDead(sunk);
}

/** A vector of one number a channel, each where its channel is before the shuffle. */
function shuffledBack(g: Scope, vector: Value, groups: number): Value {
  const count = size(vector.shape);
  const row = reshape(g, [vector], { shape: [1, count] });
  return reshape(g, [channelShuffle(g, [row], { groups: count / groups })], { shape: [count] });
}
