/**
 * What a network computes similarities with is an option of it: the ordinary product, AdderNet's L1 distance or Mitchell's logarithmic product.
 * This is the rewrite of a forward graph, for training or not, that puts one in the place of another.
 */
import { OptionError } from "../core/errors.ts";
import type { Graph, Init, Node, Value } from "../ir/graph.ts";
import { type Similar, type Similarity, similarities, similarityRule } from "../ops/similarity.ts";
import { rewrite } from "./rewrite.ts";
import { type Uses, usesOf } from "./uses.ts";

/** Where a layer stands. */
interface Place {
  /** No other layer precedes it: it reads the image. */
  readonly isFirst: boolean;
  /** No other layer follows it: the classifier. */
  readonly isLast: boolean;
  readonly isNormalised: boolean;
}

interface ArithmeticRule {
  readonly similarity: Similarity;
  /** Which layers compute so; the others keep what they have. */
  readonly replaces: (node: Node, place: Place) => boolean;
  /** Which these are, in words. */
  readonly layers: string;
  /** What they are called. */
  readonly title: string;
}

const isOfImages = ({ inputs: [x] }: Node): boolean => x.shape.length === 4;

/** Every arithmetic by the name that `--arithmetic` takes. */
export const arithmetics = {
  product: { title: "products", similarity: "product", replaces: () => true, layers: "every convolution and linear layer" },
  /**
   * AdderNet, arXiv 1912.13200: sums of distances are far below zero with a variance that no initialisation bounds, so a normalisation has to follow
   * at once (gates of channel attention have none); the layer that reads the image and the classifier stay as they are.
   */
  adder: {
    title: "adders",
    similarity: "l1",
    replaces: (node, { isFirst, isLast, isNormalised }) => isOfImages(node) && isNormalised && !isFirst && !isLast,
    layers: "convolutions that a normalisation follows, but for the first one and the classifier",
  },
  /** Every product of convolutions and linear layers, arXiv 2012.03458. */
  mitchell: { title: "Mitchell products", similarity: "mitchell", replaces: () => true, layers: "every convolution and linear layer" },
} satisfies Record<string, ArithmeticRule>;

/** What `--arithmetic` takes. */
export type Arithmetic = keyof typeof arithmetics;

/** An arithmetic and, where it has several, which of its gradients it trains with. */
export interface ArithmeticChoice {
  readonly arithmetic: Arithmetic;
  /** One of `gradientsOf`; the first unless given. */
  readonly gradient?: string | undefined;
}

/** Gradients that an arithmetic can train with, the default first. */
export function gradientsOf(arithmetic: Arithmetic): readonly string[] {
  return Object.keys(similarityRule(arithmetics[arithmetic].similarity).gradients);
}

/** Layers of an arithmetic in the place of a forward graph's, their filters' first values with them; refused where no layer can compute so. */
export function setArithmetic(graph: Graph, { arithmetic, gradient }: ArithmeticChoice, where = "graph"): Graph {
  const rule: ArithmeticRule = arithmetics[arithmetic];
  const places = placesOf(graph);
  const chosen = new Set([...places].filter(([node, place]) => rule.replaces(node, place)).map(([node]) => node));
  if (chosen.size === 0) {
    throw new OptionError(`${where}: arithmetic "${arithmetic}" is for ${rule.layers}, and there are none; nearest legal value "product"`);
  }
  const { similarity } = rule;
  const renewed = new Map([...chosen].flatMap((node) => renewedFilter(node, similarity)));
  return rewrite(
    graph,
    (node, { at, map, mapEpilogue }) => {
      if (!chosen.has(node)) return undefined;
      const { gradient: _, ...attrs } = node.attrs as Similar;
      const similar = gradient === undefined ? { similarity } : { similarity, gradient };
      return at(node.scope).emit(node.op, node.inputs.map(map), { ...attrs, ...similar }, mapEpilogue(node.epilogue));
    },
    renewed,
  );
}

/** Layers that sum similarities, with where each stands among all layers that have filters. */
function placesOf(graph: Graph): ReadonlyMap<Node, Place> {
  const uses = usesOf(graph);
  const isLayer = ({ inputs }: Node): boolean => inputs.some(({ kind, shape }) => kind === "parameter" && shape.length > 1);
  const behind = new Set<Value>();
  for (const node of graph.nodes) {
    if (isLayer(node) || node.inputs.some((value) => behind.has(value))) for (const value of node.outputs) behind.add(value);
  }
  const before = new Set<Value>();
  for (const node of graph.nodes.toReversed()) {
    if (isLayer(node) || node.outputs.some((value) => before.has(value))) for (const value of node.inputs) before.add(value);
  }
  const layers = graph.nodes.filter(({ op }) => op.takesSimilarity);
  const place = ({ inputs: [x], outputs: [y] }: Node): Place => ({
    isFirst: !behind.has(x),
    isLast: !before.has(y),
    isNormalised: isNormalised(y, uses),
  });
  return new Map(layers.map((node) => [node, place(node)]));
}

/** True where whoever reads a value normalises it first, channels at most moved on the way. */
function isNormalised(value: Value, uses: Uses): boolean {
  const readers = uses.readers(value);
  const isRead = ({ op, inputs, outputs }: Node): boolean =>
    op.isNormalising ? inputs[0] === value : op.isRouting === true && outputs.every((output) => isNormalised(output, uses));
  return readers.length > 0 && !uses.isRoot(value) && readers.every(isRead);
}

/** A convolution's filter with other first values, where its new similarity asks for others than the old one. */
function renewedFilter({ inputs: [, filter], attrs }: Node, similarity: Similarity): readonly (readonly [Value, Value])[] {
  const { similarity: held = "product", groups = 1 } = attrs as Partial<Similar> & { readonly groups?: number };
  const { deviation } = similarities[similarity];
  if (filter.kind !== "parameter" || similarities[held].deviation === deviation) return [];
  const init: Init = { kind: "normal", std: deviation(filter.shape, groups) };
  return [[filter, { ...filter, init }]];
}
