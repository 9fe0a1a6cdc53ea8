import { convNormActivation, dropout, fullyConnected, maxPool, nearestMultiple, pooledFeatures, shuffleNetUnit } from "../blocks/index.ts";
import { type Network, normOf, strideRule } from "./network.ts";

/** Table 1 of the paper: channels of stage 2 by groups; they double at stages 3 and 4. */
const stage2 = { 1: 144, 2: 200, 3: 240, 4: 272, 8: 384 } as const;

type Groups = keyof typeof stage2;

/** Units of stages 2, 3 and 4; the first of each halves the image. */
const repeats = [4, 8, 4] as const;

/** Channels of the first convolution in the authors' later code, by width; other widths are scaled as the paper's. */
const stemOfMegvii: Readonly<Record<number, number>> = { 1: 24, 1.5: 24, 2: 48 };

/** What stage 2 must be a multiple of: the bottleneck is a quarter of it and is split into the groups. */
function stepOf(groups: Groups): number {
  return 4 * groups;
}

/** Whether a width is legal: all stages' channels are whole, and so are the groups' shares of the bottlenecks. The paper states no rounding. */
export function isLegalWidth(groups: Groups, width: number): boolean {
  return Math.abs(nearestLegalWidth(groups, width) - width) < 1e-4;
}

/** The nearest legal width: stage 2 a multiple of 4 · groups, so widths go in steps of 1/36, 1/25, 1/20, 1/17 and 1/12 for 1, 2, 3, 4 and 8 groups. */
export function nearestLegalWidth(groups: Groups, width: number): number {
  const step = stepOf(groups) / stage2[groups];
  const least = Math.ceil(0.05 / step - 1e-9);
  return Math.max(least, Math.round(width / step)) * step;
}

/** Channels of the first convolution: 24 times the width, as a multiple of the groups, so that what the first unit adds can be split into them. */
function stemChannels(groups: Groups, width: number, variant: string): number {
  const listed = variant === "megvii" ? stemOfMegvii[width] : undefined;
  return listed ?? nearestMultiple(24 * width, groups);
}

function build(groups: Groups): Network["build"] {
  return (g, image, settings) => {
    const stride = strideRule(settings);
    const { variant, padding } = settings;
    const shared = { norm: normOf(settings), padding };
    const width = nearestLegalWidth(groups, settings.width);
    const features = g.scope("features");
    const first = { ...shared, out: stemChannels(groups, width, variant), stride: stride(2), names: { conv: "conv", norm: "bn" } };
    let x = convNormActivation(features.scope("init_block"), image, first);
    if (stride(2) === 2) x = maxPool(features.scope("init_pool"), x, { kernel: 3, stride: 2, padding });
    for (const [i, n] of repeats.entries()) {
      const out = Math.round(stage2[groups] * width) * 2 ** i;
      for (let unit = 0; unit < n; unit++) {
        const form = unit === 0 ? ({ stride: stride(2), join: "concat" } as const) : {};
        const firstGroups = i === 0 && unit === 0 ? 1 : groups;
        const convention = variant === "megvii" ? "megvii" : "paper";
        x = shuffleNetUnit(features.scope(`stage${i + 1}.unit${unit + 1}`), x, {
          ...shared,
          ...form,
          out,
          groups,
          firstGroups,
          convention,
        });
      }
    }
    x = dropout(g.scope("dropout"), pooledFeatures(features.scope("final_pool"), x), settings.dropout);
    return fullyConnected(g.scope("output"), x, { out: settings.classes, hasBias: variant !== "megvii" });
  };
}

function shufflenet(groups: Groups, published: Network["published"], exact: Network["exact"], more: Partial<Network> = {}): Network {
  return {
    name: `shufflenet-v1-g${groups}`,
    title: `ShuffleNetV1, ${groups === 1 ? "no groups" : `${groups} groups`}`,
    paper: "arXiv 1707.01083",
    year: 2017,
    published,
    exact,
    inputSize: 224,
    variants: {
      paper: "section 3.1's shuffle, in front of the depthwise convolution; classifier with bias",
      megvii: "the authors' later code: the inverse shuffle, behind the depthwise convolution; classifier without bias",
    },
    strides: 5,
    dropout: 0,
    normMomentum: 0.1,
    nearestWidth: (width) => nearestLegalWidth(groups, width),
    build: build(groups),
    ...more,
  };
}

/** Why a width of the paper's table 2 has no counts: what is said of it does not determine the channels. */
function illegalWidth(groups: Groups, width: number, top1Error: number): { what: string; why: string } {
  const bottleneck = (stage2[groups] * width) / 4;
  return {
    what: `width ${width} (top-1 error ${top1Error} %)`,
    why: `the bottleneck would have ${bottleneck} channels in ${groups} groups; the paper does not say how it rounded`,
  };
}

/** ShuffleNetV1 without groups. Weight names are pytorchcv's. */
export const shufflenetV1g1: Network = shufflenet(
  1,
  { params: "–", macs: "143M", top1: 66.4 },
  { params: 1_531_936, macs: 143_078_976 },
  { scaledFrom: "shufflenet-v1-g3" },
);

/** ShuffleNetV1 with 2 groups. */
export const shufflenetV1g2: Network = shufflenet(
  2,
  { params: "–", macs: "140M", top1: 67.3 },
  { params: 1_733_848, macs: 140_836_512 },
  { scaledFrom: "shufflenet-v1-g3", unreproduced: [illegalWidth(2, 0.5, 44.4), illegalWidth(2, 0.25, 56.8)] },
);

/** ShuffleNetV1 with 3 groups. */
export const shufflenetV1g3: Network = shufflenet(
  3,
  { params: "1.9M", macs: "137M", top1: 67.4 },
  { params: 1_865_728, macs: 137_460_672 },
);

/** ShuffleNetV1 with 4 groups. */
export const shufflenetV1g4: Network = shufflenet(
  4,
  { params: "–", macs: "133M", top1: 67.2 },
  { params: 1_968_344, macs: 134_339_776 },
  {
    scaledFrom: "shufflenet-v1-g3",
    unreproduced: [
      { what: "133M MACs", why: "the structure as published has 134.3M" },
      illegalWidth(4, 0.5, 41.6),
      illegalWidth(4, 0.25, 54.2),
    ],
  },
);

/** ShuffleNetV1 with 8 groups. */
export const shufflenetV1g8: Network = shufflenet(
  8,
  { params: "2.4M", macs: "137M", top1: 67.6 },
  { params: 2_434_768, macs: 138_365_952 },
  {
    unreproduced: [
      { what: "137M MACs", why: "the structure as published has 138.4M" },
      {
        what: "width 0.25 (top-1 error 52.7 %)",
        why: "a quarter of the first convolution's 24 channels cannot be added to in 8 groups; ours has 8 channels there, the paper does not say",
      },
    ],
  },
);
