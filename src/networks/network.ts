import type { CompConvChoices, DesignName, Normalisation, PaddingStyle } from "../blocks/index.ts";
import type { Value } from "../ir/graph.ts";
import type { Scope } from "../ir/scope.ts";
import type { Arithmetic } from "../passes/setArithmetic.ts";

export { makeDivisible } from "../blocks/index.ts";

/** What every network can be asked for; anything left out is the paper's. Plain JSON: the model file records it. */
export interface NetworkOptions {
  /** Multiplies the channels of every layer; each family rounds in its own way. */
  readonly width?: number;
  /** Multiplies the blocks of every stage, in the families that scale so. */
  readonly depth?: number;
  readonly classes?: number;
  /** Share of the features zeroed in front of the classifier while training. */
  readonly dropout?: number;
  /** Share of the images whose last residual branch is dropped while training, proportionally fewer of earlier ones, in the families that do so. */
  readonly stochasticDepth?: number;
  /** One of the network's `variants`. */
  readonly variant?: string;
  /** Keeps resolution: the first layers that would halve the image do not, until three halvings are left up to 40 pixels, four up to 111. */
  readonly isSmallImage?: boolean;
  /** The same by number, for any size: how many of the first halving layers keep the resolution. */
  readonly droppedStrides?: number;
  readonly padding?: PaddingStyle;
  /** The design in place of the ordinary 3×3 convolutions, in the plain backbones. */
  readonly conv?: DesignName;
  /** What a CompConv leaves to choose, where `conv` is "compconv": C₀ (the backbone's own unless given), the copied channels, surplus, shuffle. */
  readonly compConv?: CompConvChoices;
  /** What convolutions compute with: the ordinary product, AdderNet's distance, or Mitchell's product (linear layers, too). */
  readonly arithmetic?: Arithmetic;
  /** Which of the arithmetic's gradients it trains with; of Mitchell's "approx" (Mitchell products again), "exact" (the derivative) or "ste". */
  readonly gradient?: string;
  /** Batch normalisation's momentum in PyTorch's sense; the family's own unless given. */
  readonly normMomentum?: number;
  /** What batch normalisation adds to the variance; the family's own unless given. */
  readonly normEps?: number;
}

/** Options with everything filled in, as `build` takes them. */
export interface NetworkSettings {
  readonly width: number;
  readonly depth: number;
  readonly classes: number;
  readonly dropout: number;
  readonly stochasticDepth: number;
  readonly variant: string;
  readonly droppedStrides: number;
  readonly padding: PaddingStyle;
  readonly conv: DesignName;
  readonly compConv: CompConvChoices;
  readonly arithmetic: Arithmetic;
  readonly gradient: string | undefined;
  readonly normMomentum: number;
  readonly normEps: number;
}

/** A published network: where it comes from, the numbers printed there and counted by us, and how to build it. */
export interface Network {
  readonly name: string;
  readonly title: string;
  readonly paper: string;
  readonly year: number;
  /** At width 1 and the published input size, as the paper prints them; top-1 on ImageNet in per cent. */
  readonly published: { readonly params: string; readonly macs: string; readonly top1?: number };
  /** The same counted on our graph; MACs of convolutions and linear layers, one image. */
  readonly exact: { readonly params: number; readonly macs: number };
  /** Pixels of a side, as published. */
  readonly inputSize: number;
  /** Classes as published, where they are not ImageNet's 1000. */
  readonly classes?: number;
  /** Readings of the network by name; the first is the default. */
  readonly variants: Readonly<Record<string, string>>;
  /** How many layers halve the image. */
  readonly strides: number;
  /** Published figures and rows that the structure as published does not give, each with the reason. */
  readonly unreproduced?: readonly { readonly what: string; readonly why: string }[];
  readonly dropout: number;
  readonly normMomentum: number;
  /** The family scales in depth too. */
  readonly scalesDepth?: true;
  /** The published share, in the families that have stochastic depth. */
  readonly stochasticDepth?: number;
  /** Padding by variant, where it is not symmetrical. */
  readonly paddings?: Readonly<Record<string, PaddingStyle>>;
  /** The network of the family that this one is another size of: the same table and blocks. */
  readonly scaledFrom?: string;
  /** Some weights have the shape of the last map, so that weights for one size of images do not fit another. */
  readonly isSizeBound?: true;
  /** A plain backbone: a design can take the place of its ordinary convolutions. */
  readonly takesDesigns?: true;
  /** Features of a whole image pass batch normalisation: a training batch of few images has little to learn from. */
  readonly normalisesFeatures?: true;
  /** What its blocks compute with, where it is not the ordinary product. */
  readonly arithmetic?: Arithmetic;
  /** Made for small images: `isSmallImage` drops no more strides than an image needs. */
  readonly keepsStrides?: true;
  /** Least pixels of a side, where it is not one more than what the strides but the last divide by. */
  leastSize?(droppedStrides: number): number;
  /** What normalisation adds to the variance, where it is not 1e-5. */
  normEps?(variant: string): number;
  /** The nearest width that the family can scale to, where it cannot to every one; other widths are refused. */
  nearestWidth?(width: number, variant: string): number;
  /** From images [n, c, h, w] to logits [n, classes]. */
  build(g: Scope, image: Value, settings: NetworkSettings): Value;
}

/** Batch normalisation's constants as a network is asked for them. */
export function normOf({ normEps: eps, normMomentum: momentum }: NetworkSettings): Required<Normalisation> {
  return { eps, momentum };
}

/** Hands out a network's strides in order of execution: the first `droppedStrides` twos become ones. */
export function strideRule({ droppedStrides }: { readonly droppedStrides: number }): (stride: number) => number {
  let halvings = 0;
  return (stride) => (stride === 2 && halvings++ < droppedStrides ? 1 : stride);
}
