import {
  convNormActivation,
  dropout,
  fullyConnected,
  maxPool,
  nearestMultiple,
  type Padding,
  pooledFeatures,
  squeezeNext,
} from "../blocks/index.ts";
import { type Network, normOf, strideRule } from "./network.ts";

/** The kernel of the first convolution, blocks in each stage, and how a stage begins. */
interface Version {
  readonly stem: number;
  readonly blocks: readonly number[];
  readonly transition: "v1" | "v5";
}

/** Channels of the four stages at width 1; the first convolution's 64 and the last's 128 are not scaled. */
const stages = [32, 64, 128, 256] as const;

const version1: Version = { stem: 7, blocks: [6, 6, 8, 1], transition: "v1" };
/** More blocks where they are cheap: at low resolution (section 3.2 of the paper). */
const version5: Version = { stem: 5, blocks: [2, 4, 14, 1], transition: "v5" };

/** Channels of a stage, as multiples of 8: a block halves them twice and may split the halves into two groups. */
function scaled(c: number, width: number): number {
  return nearestMultiple(c * width, 8);
}

/** Least pixels of a side with which the first layers' windows find an image and every stage that halves has two pixels to halve. */
function leastSize({ stem }: Version, droppedStrides: number): number {
  const fits = (size: number): boolean => {
    const stride = strideRule({ droppedStrides });
    let left = Math.floor((size - stem) / stride(2)) + 1;
    if (stride(2) === 2) left = left < 3 ? 0 : Math.ceil((left - 3) / 2) + 1;
    for (let stage = 1; stage < stages.length; stage++) {
      if (stride(2) === 2) left = left < 2 ? 0 : Math.ceil(left / 2);
    }
    return left >= 1;
  };
  let size = 1;
  while (!fits(size)) size++;
  return size;
}

/** The least size and the builder of a version. */
function built(version: Version): Pick<Network, "leastSize" | "build"> {
  return {
    leastSize: (droppedStrides) => leastSize(version, droppedStrides),
    build(g, image, settings) {
      const stride = strideRule(settings);
      const { width, variant } = settings;
      // The released networks pad neither the first convolution nor the pooling; only TensorFlow's rule, if asked for, does.
      const padding: Padding = settings.padding === "tensorflow" ? "tensorflow" : 0;
      const norm = normOf(settings);
      const plain = { norm, names: { conv: "conv", norm: "bn" } };
      let x = convNormActivation(g.scope("stem"), image, { ...plain, out: 64, kernel: version.stem, stride: stride(2), padding });
      if (stride(2) === 2) x = maxPool(g.scope("pool"), x, { kernel: 3, stride: 2, padding, isCeil: true });
      let isRowFirst = false;
      for (const [stage, c] of stages.entries()) {
        const s = stage === 0 ? 1 : stride(2);
        for (let i = 0; i < version.blocks[stage]; i++) {
          const begin = i === 0 ? { stride: s, transition: version.transition } : {};
          const block = { ...begin, out: scaled(c, width), isRowFirst, groups: variant === "grouped" ? 2 : 1 };
          x = squeezeNext(g.scope(`stage${stage + 1}.${i}`), x, { ...block, norm, padding: settings.padding });
          isRowFirst = !isRowFirst;
        }
      }
      x = convNormActivation(g.scope("tail"), x, { ...plain, out: 128, kernel: 1 });
      x = dropout(g.scope("dropout"), pooledFeatures(g.scope("avgpool"), x), settings.dropout);
      return fullyConnected(g.scope("fc"), x, { out: settings.classes, hasBias: false });
    },
  };
}

const shared = {
  paper: "arXiv 1803.10615",
  year: 2018,
  inputSize: 227,
  strides: 5,
  dropout: 0,
  // Caffe's own rule gives every batch the same weight at first; a constant 0.001 would start far from the statistics.
  normMomentum: 0.1,
  variants: {
    released: "the authors' repository; the two halves of the 3×3 change places from block to block",
    grouped: "the first 1×1 convolution and both halves of the 3×3 in two groups (G-SqNxt)",
  },
} as const;

/** 1.0-SqNxt-23; 2.0-SqNxt-23 at width 2, 1.0-G-SqNxt-23 as the variant "grouped". */
export const squeezenext23: Network = {
  ...shared,
  name: "squeezenext-23",
  title: "SqueezeNext-23",
  published: { params: "–", macs: "–", top1: 59.05 },
  exact: { params: 717_280, macs: 277_999_808 },
  ...built(version1),
};

/** 1.0-SqNxt-23v5; 2.0-SqNxt-23v5 at width 2. */
export const squeezenext23v5: Network = {
  ...shared,
  name: "squeezenext-23v5",
  title: "SqueezeNext-23v5",
  published: { params: "–", macs: "–", top1: 59.24 },
  exact: { params: 930_016, macs: 224_916_480 },
  ...built(version5),
};
