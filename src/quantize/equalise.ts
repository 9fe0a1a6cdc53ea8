/**
 * Cross-layer equalisation: a channel between two layers may be made larger in the first and smaller in the second by one factor, where
 * the function between them only clamps at 0 (or at a bound that the channel stays below). Channels of few units would share a scale with
 * large ones and be rounded away; depthwise layers have such. After Nagel et al., arXiv 1906.04721, with measured activations.
 */
import type { Tensor } from "../core/tensor.ts";
import type { Node, Value } from "../ir/graph.ts";
import { integerRuleOf } from "../ops/integerRules.ts";
import { type Similar, similarityRule } from "../ops/similarity.ts";
import type { Weighted } from "../passes/foldConstants.ts";
import { clampOf, functionOf, isFunction } from "../passes/quantisation.ts";
import { type Uses, usesOf } from "../passes/uses.ts";
import type { Observation } from "./calibrate.ts";

/** Most that a channel is changed by. */
const MOST_FACTOR = 16;

/** A value between two layers, one channel of which may be scaled without the others. */
interface Link {
  readonly first: Node;
  readonly second: Node;
  readonly between: Value;
  /** Where the function between them clamps from above. */
  readonly bound: number;
}

/** A node that is a sum over a stored weight that nothing else reads. */
function isLayer({ op, inputs, attrs, epilogue }: Node, uses: Uses): boolean {
  const isOwn = inputs[1]?.kind === "parameter" && uses.readers(inputs[1]).length === 1;
  const { similarity = "product" } = attrs as Partial<Similar>;
  return integerRuleOf(op)?.givesFloats === true && similarityRule(similarity).isLinear && isOwn && epilogue.length === 0;
}

function linkAfter(first: Node, uses: Uses, observations: ReadonlyMap<Value, Observation>): Link | undefined {
  const behind = uses.onlyReader(first.outputs[0]);
  if (!behind || !isFunction(behind)) return undefined;
  const [between] = behind.outputs;
  const second = uses.onlyReader(between);
  const range = observations.get(first.outputs[0])?.distribution;
  const clamp = range && clampOf(functionOf(behind), range);
  if (!second || !clamp || clamp.low !== 0 || !isLayer(second, uses) || second.inputs[0] !== between) return undefined;
  return second.inputs.length > 1 ? { first, second, between, bound: clamp.high } : undefined;
}

/** Visits the weights that read one channel of the second layer's input. */
function eachReader({ shape, data }: Tensor, channels: number, channel: number, visit: (at: number) => void): void {
  const [outputs, inner] = shape;
  const taps = data.length / (outputs * inner);
  const group = Math.floor(channel / inner);
  const perGroup = (outputs * inner) / channels;
  for (let o = group * perGroup; o < (group + 1) * perGroup; o++) {
    const start = (o * inner + (channel % inner)) * taps;
    for (let at = start; at < start + taps; at++) visit(at);
  }
}

/** What each channel is multiplied by: channels of a depthwise layer fill the range; others meet in the middle with their weights. */
function factorsOf({ between, bound }: Link, weight: Tensor, { highs }: Observation): Float64Array {
  const channels = between.shape[1];
  const most = highs.reduce((a, b) => Math.max(a, b), 0);
  const reads = Float64Array.from(highs, (_, channel) => {
    let largest = 0;
    eachReader(weight, channels, channel, (at) => {
      largest = Math.max(largest, Math.abs(weight.data[at]));
    });
    return largest;
  });
  const mostRead = reads.reduce((a, b) => Math.max(a, b), 0);
  const hasOwnScales = weight.shape[1] === 1;
  return highs.map((high, channel) => {
    if (!(high > 0 && high < bound) || reads[channel] === 0) return 1;
    const wanted = hasOwnScales ? most / high : Math.sqrt((most / high) * (reads[channel] / mostRead));
    return Math.min(Math.max(wanted, 1 / MOST_FACTOR), MOST_FACTOR, bound / high);
  });
}

/** The same function with channels of even size, by other weights. */
export function equalise({ graph, weights }: Weighted, observations: ReadonlyMap<Value, Observation>): Weighted {
  const uses = usesOf(graph);
  const changed = new Map(weights);
  const own = (value: Value): Tensor => {
    const { shape, data } = changed.get(value.name as string) as Tensor;
    const copy = { shape, data: data.slice() };
    changed.set(value.name as string, copy);
    return copy;
  };
  for (const node of graph.nodes) {
    const link = isLayer(node, uses) ? linkAfter(node, uses, observations) : undefined;
    const bias = node.inputs[2];
    if (!link || (bias && uses.readers(bias).length > 1)) continue;
    const second = own(link.second.inputs[1]);
    const factors = factorsOf(link, second, observations.get(link.between) as Observation);
    const first = own(node.inputs[1]);
    const biases = bias && own(bias);
    const length = first.data.length / factors.length;
    for (const [channel, factor] of factors.entries()) {
      for (let i = channel * length; i < (channel + 1) * length; i++) first.data[i] *= factor;
      if (biases) biases.data[channel] *= factor;
      eachReader(second, factors.length, channel, (at) => {
        second.data[at] /= factor;
      });
    }
  }
  return { graph, weights: changed };
}
