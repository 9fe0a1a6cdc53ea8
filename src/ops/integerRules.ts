/** The integer forms of float ops, in a table beside their records for the reason that gradients.ts gives. */
import { isSameShape } from "../core/shape.ts";
import { channels, type Value } from "../ir/graph.ts";
import type { IntegerPlace, IntegerRule, Quantised } from "../ir/integer.ts";
import type { AnyOp, Op } from "../ir/op.ts";
import type { Scope } from "../ir/scope.ts";
import type { AveragePool } from "./averageWindows.ts";
import type { ShuffledConvolution } from "./convolution.ts";
import type { OpName, ops } from "./index.ts";
import { integerAdd } from "./integerAdd.ts";
import { integerAveragePool, integerGlobalAveragePool } from "./integerAveragePool.ts";
import { type IntegerSimilarity, integerConv2d } from "./integerConv2d.ts";
import { integerDepthwise } from "./integerDepthwise.ts";
import { integerLinear } from "./integerLinear.ts";
import { integerMultiply } from "./integerMultiply.ts";
import type { Linear } from "./linear.ts";
import type { Similarity } from "./similarity.ts";

/** Elements are moved or chosen, whatever they are. */
const kept: IntegerRule<object> = { isKept: true };

/** Channels are moved; new ones hold what stands for 0. */
const padded = { isKept: true, keptAttrs: ({ zero }: Quantised) => ({ fill: zero }) } as const;

/** The similarities that have an integer form. */
function integerSimilarity(similarity: Similarity): IntegerSimilarity | undefined {
  return similarity === "mitchell" ? undefined : similarity;
}

/** A convolution of products or distances. */
const convolved: IntegerRule<ShuffledConvolution> = {
  activations: [0],
  givesFloats: true,
  accepts: (_inputs, { similarity, shuffles }) => integerSimilarity(similarity) !== undefined && shuffles === undefined,
  build(g, { inputs: [x], requantised, filters, narrowFilters }, [image, weight, bias], { stride, padding, groups, ...similar }) {
    const similarity = integerSimilarity(similar.similarity) ?? "product";
    const isDepthwise = groups === channels(image) && weight.shape[0] === groups;
    if (isDepthwise && similarity === "product" && requantised.to !== "f32") {
      const { weight: filter, bias: start, factor } = narrowFilters(weight, bias);
      return integerDepthwise(g, [x.value, filter, start, factor], { stride, padding, zero: x.quantised.zero, ...requantised });
    }
    const { weight: filter, ratio, offset } = filters(weight, bias, similarity);
    const { zero } = x.quantised;
    return integerConv2d(g, [x.value, filter, ratio, offset], { stride, padding, groups, similarity, zero, ...requantised });
  },
};

/** A fully connected layer of products or distances. */
const connected: IntegerRule<Linear> = {
  activations: [0],
  givesFloats: true,
  accepts: (_inputs, { similarity = "product" }) => integerSimilarity(similarity) !== undefined,
  build(g, { inputs: [x], requantised, filters }, [, weight, bias], attrs) {
    const similarity = integerSimilarity(attrs.similarity ?? "product") ?? "product";
    const { weight: filter, ratio, offset } = filters(weight, bias, similarity);
    return integerLinear(g, [x.value, filter, ratio, offset], { similarity, ...requantised });
  },
};

/** a + b = (qa − za) · sa + (qb − zb) · sb. */
const added: IntegerRule<object> = {
  accepts: ([a, b]) => isSameShape(a, b),
  build(g, { inputs: [a, b], output, requantised }) {
    const ratios = [a.quantised.scale / output.scale, b.quantised.scale / output.scale] as const;
    const offset = output.zero - a.quantised.zero * ratios[0] - b.quantised.zero * ratios[1] + 0.5;
    return integerAdd(g, [a.value, b.value], { ratios, offset, ...requantised });
  },
};

/** Gates only: the second operand has one number a channel of each image. */
const gated: IntegerRule<object> = {
  accepts: ([x, gate]) => x.length === 4 && gate.length === 4 && gate[0] === x[0] && gate[1] === x[1] && gate[2] * gate[3] === 1,
  build(g, { inputs: [x, gate], output, requantised }) {
    const ratio = (x.quantised.scale * gate.quantised.scale) / output.scale;
    const zeros = [x.quantised.zero, gate.quantised.zero] as const;
    return integerMultiply(g, [x.value, gate.value], { zeros, ratio, offset: output.zero + 0.5, ...requantised });
  },
};

function mean({ inputs: [x], output }: IntegerPlace): { zero: number; ratio: number; offset: number } {
  return { zero: x.quantised.zero, ratio: x.quantised.scale / output.scale, offset: output.zero + 0.5 };
}

/** The mean of each window. */
const averaged: IntegerRule<AveragePool> = {
  givesU7: true,
  build: (g: Scope, place: IntegerPlace, _inputs: readonly Value[], attrs: AveragePool) =>
    integerAveragePool(g, [place.inputs[0].value], { ...attrs, ...mean(place) }),
};

/** The mean of each plane. */
const averagedWhole: IntegerRule<object> = {
  givesU7: true,
  build: (g, place) => integerGlobalAveragePool(g, [place.inputs[0].value], mean(place)),
};

/** At most one rule for each op, with its attributes' type; elementwise ops of one operand go as tables. */
type IntegerRules = { readonly [N in OpName]?: (typeof ops)[N] extends Op<infer A> ? IntegerRule<A> : never };

const integerRules: IntegerRules = {
  add: added,
  averagePool: averaged,
  channelShuffle: kept,
  concat: kept,
  conv2d: convolved,
  globalAveragePool: averagedWhole,
  linear: connected,
  maxPool: kept,
  multiply: gated,
  padChannels: padded,
  reshape: kept,
  slice: kept,
};

/** The integer form of an op, if it has one. */
export function integerRuleOf(op: AnyOp): IntegerRule<object> | undefined {
  return integerRules[op.name as OpName] as IntegerRule<object> | undefined;
}
