/**
 * A normalisation with stored statistics is a scale and a shift a channel, so the convolution or linear layer before it can carry it:
 * with scale = gamma / √(var + eps), weight' = weight · scale and bias' = (bias − mean) · scale + beta, which is the normalisation of the bias.
 * Written as graph, so that `foldConstants` computes it once, when the weights are known.
 */
import { size } from "../core/shape.ts";
import type { Graph, Node, Value } from "../ir/graph.ts";
import type { Scope } from "../ir/scope.ts";
import { type BatchNorm, batchNorm } from "../ops/batchNorm.ts";
import { conv2d } from "../ops/conv2d.ts";
import { linear } from "../ops/linear.ts";
import { multiply } from "../ops/multiply.ts";
import { normScale } from "../ops/normScale.ts";
import { reshape } from "../ops/reshape.ts";
import { similarityRule } from "../ops/similarity.ts";
import { removeDead } from "./removeDead.ts";
import { applicationOf, rewrite } from "./rewrite.ts";
import { usesOf } from "./uses.ts";

/** Puts each normalisation with stored statistics into the convolution or linear layer that feeds it, where nothing else reads that. */
export function foldBatchNorm(graph: Graph): Graph {
  const uses = usesOf(graph);
  const folded = rewrite(graph, (node, { at, map, mapEpilogue }) => {
    const norm = applicationOf(batchNorm, node.outputs[0]);
    const producer = norm && weighted(node.inputs[0]);
    if (!norm || !producer || producer.epilogue.length > 0 || uses.onlyReader(node.inputs[0]) !== node) return undefined;
    const g = at(producer.scope);
    const [x, weight, bias] = producer.inputs.map(map);
    const statistics = node.inputs.slice(1).map(map);
    const inputs = [x, scaledWeight(g, weight, statistics, norm.attrs), shiftedBias(g, bias, statistics, norm.attrs)];
    return g.emit(producer.op, inputs, producer.attrs, mapEpilogue(node.epilogue));
  });
  return removeDead(folded);
}

/** The layer that computes a value, if its output is linear in its weight. */
function weighted(value: Value): Node | undefined {
  const convolution = applicationOf(conv2d, value);
  if (convolution) return similarityRule(convolution.attrs.similarity).isLinear ? convolution.node : undefined;
  const connected = applicationOf(linear, value);
  return connected && similarityRule(connected.attrs.similarity ?? "product").isLinear ? connected.node : undefined;
}

function scaledWeight(g: Scope, weight: Value, [gamma, , , variance]: readonly Value[], attrs: BatchNorm): Value {
  const scale = normScale(g, [gamma, variance], attrs);
  const column = reshape(g, [scale], { shape: weight.shape.map((extent, axis) => (axis === 0 ? extent : 1)) });
  return multiply(g.scope("weight"), [weight, column], {});
}

function shiftedBias(g: Scope, bias: Value | undefined, statistics: readonly Value[], attrs: BatchNorm): Value {
  const { shape } = statistics[0];
  const row = bias ? reshape(g, [bias], { shape: [1, ...shape] }) : g.constant([1, ...shape], new Float32Array(size(shape)));
  return reshape(g.scope("bias"), [batchNorm(g, [row, ...statistics], attrs)], { shape });
}
