import { dropout, fullyConnected, nearestMultiple, pooledFeatures, type Slot, standIn, vanillaConv } from "../blocks/index.ts";
import type { Value } from "../ir/graph.ts";
import type { Scope } from "../ir/scope.ts";
import { bodyOfMobilenetV1, scaledByAlpha } from "./mobilenetV1.ts";
import { type Network, type NetworkSettings, normOf, strideRule } from "./network.ts";

/** One row: channels, units, stride of the first unit. */
interface Stage {
  readonly c: number;
  readonly n: number;
  readonly s: number;
}

/** Channels at a width: MobileNet's rule, or where a design stands in multiples of 8, which every design can split. */
function scaled(c: number, { width, conv }: NetworkSettings): number {
  return conv === "vanilla" ? scaledByAlpha(c, width) : nearestMultiple(c * width, 8);
}

/** The survey's VanillaConv, or a design in its place. */
function convolved(g: Scope, x: Value, slot: Slot, { conv, compConv }: NetworkSettings): Value {
  if (conv !== "vanilla") return standIn(conv, g, x, { ...slot, compConv: { ...slot.compConv, ...compConv } });
  const { readsImage: _, compConv: __, ...plain } = slot;
  return vanillaConv(g, x, plain);
}

/** A stack of the survey's VanillaConv, global average pooling and a classifier. */
function stackOf(stages: readonly Stage[], sizes: Pick<Slot, "compConv"> = {}): Network["build"] {
  return (g, image, settings) => {
    const stride = strideRule(settings);
    const shared = { ...sizes, norm: normOf(settings), padding: settings.padding };
    let index = 0;
    let x = image;
    for (const { c, n, s } of stages) {
      for (let i = 0; i < n; i++) {
        const out = scaled(c, settings);
        const slot: Slot = { ...shared, out, stride: stride(i === 0 ? s : 1), ...(index === 0 ? { readsImage: true } : {}) };
        x = convolved(g.scope(`features.${index++}`), x, slot, settings);
      }
    }
    x = dropout(g.scope("dropout"), pooledFeatures(g.scope("avgpool"), x), settings.dropout);
    return fullyConnected(g.scope("classifier"), x, { out: settings.classes });
  };
}

const shared = {
  variants: { survey: "VanillaConv blocks: convolution with bias, batch normalisation, ReLU" },
  dropout: 0,
  normMomentum: 0.1,
  takesDesigns: true,
} as const;

/**
 * The plain baseline: MobileNet's body with an ordinary 3×3 convolution in place of each depthwise separable one ("Conv MobileNet", table 4 of
 * the paper), made of the survey's VanillaConv. The paper's count has no biases in front of normalisation; ours, like the survey's code, does.
 */
export const vanilla: Network = {
  ...shared,
  name: "vanilla",
  title: "Plain convolutions",
  paper: "arXiv 1704.04861, table 4",
  year: 2017,
  published: { params: "29.3M", macs: "4866M", top1: 71.7 },
  exact: { params: 29_300_072, macs: 4_867_293_184 },
  inputSize: 224,
  strides: 5,
  build: stackOf([{ c: 32, n: 1, s: 2 }, ...bodyOfMobilenetV1]),
};

/** Six plain convolutions for small pictures, ours; what `fit` takes for them unless told otherwise. */
export const vanillaCompact: Network = {
  ...shared,
  name: "vanilla-compact",
  title: "Six plain convolutions",
  paper: "this project",
  year: 2026,
  published: { params: "–", macs: "–" },
  exact: { params: 175_120, macs: 1_109_760 },
  inputSize: 32,
  strides: 4,
  build: stackOf(
    [
      { c: 8, n: 1, s: 2 },
      { c: 16, n: 1, s: 2 },
      { c: 24, n: 1, s: 1 },
      { c: 48, n: 1, s: 2 },
      { c: 48, n: 1, s: 1 },
      { c: 96, n: 1, s: 2 },
    ],
    // CompConv's C₀ is the first row's channels, so that all its depths occur.
    { compConv: { base: 8 } },
  ),
};
