/** The blocks of the literature and of the survey, each by itself through the library's public entry. */
import { blocks, type Scope, type Value } from "../../src/index.ts";

/** A block on a small picture: what it is called, the input's and the output's channels, and where it changes the size its stride. */
export interface BlockCase {
  readonly name: string;
  readonly inputs: number;
  readonly out: number;
  readonly stride?: 1 | 2;
  readonly build: (g: Scope, x: Value) => Value;
}

type Build = BlockCase["build"];

const row = (name: string, inputs: number, out: number, build: Build, stride: 1 | 2 = 1): BlockCase => ({
  name,
  inputs,
  out,
  stride,
  build,
});

const fire = { squeeze: 3, expand1x1: 5, expand3x3: 7 } as const;
const micro = { kernel: 3, expand: [1, 4], groups: [4, 4], lastGroups: [4, 4], dynamic: [2, 2, 1] } as const;
const attention = { squeeze: 4, gate: "hardSigmoid" } as const;

/** As the survey's code or its comments have them. */
export const survey: readonly BlockCase[] = [
  row("VanillaConv", 6, 10, (g, x) => blocks.vanillaConv(g, x, { out: 10, groups: 2, stride: 2 }), 2),
  row("Fire", 6, 9, (g, x) => blocks.surveyFire(g, x, { out: 9 })),
  row("SqNxt", 8, 10, (g, x) => blocks.surveySqueezeNext(g, x, { out: 10 })),
  row("DSConv, ReLU", 6, 10, (g, x) => blocks.surveyDepthwiseSeparable(g, x, { out: 10 })),
  row("DSConv, ReLU6", 6, 10, (g, x) => blocks.surveyDepthwiseSeparable(g, x, { out: 10, act: "relu6" })),
  row("DSConvv2, ReLU", 4, 4, (g, x) => blocks.surveyInvertedResidual(g, x, { out: 4 })),
  row("DSConvv2, ReLU6", 4, 6, (g, x) => blocks.surveyInvertedResidual(g, x, { out: 6, expansion: 3, act: "relu6" })),
  row("SELayer", 8, 8, (g, x) => blocks.surveySqueezeExcitation(g, x, { reduction: 4 })),
  row("DSConvv3 as coded", 4, 6, (g, x) => blocks.surveyAttentiveResidual(g, x, { out: 6 })),
  row("DSConvv3 with Hardswish", 4, 4, (g, x) => blocks.surveyAttentiveResidual(g, x, { out: 4, act: "hardSwish" })),
  row("DSConvv3 of the docstring", 2, 6, (g, x) => {
    return blocks.surveyAttentiveResidual(g, x, { out: 6, act: "hardSwish", projection: "identity", reduction: 4 });
  }),
  row("ShuffleBlock", 6, 6, (g, x) => blocks.shuffled(g, x, 3)),
  row("ShuffleNet", 16, 16, (g, x) => blocks.surveyShuffleNetUnit(g, x, { out: 16 })),
  row("ShuffleNet with few inputs", 24, 12, (g, x) => blocks.surveyShuffleNetUnit(g, x, { out: 12, groups: 6 })),
  row("ShuffleNetv2", 8, 12, (g, x) => blocks.surveyShuffleUnit(g, x, { out: 12 })),
  row("IGCNet", 8, 16, (g, x) => blocks.surveyInterleavedV1(g, x, { out: 16 })),
  row("IGCV2", 8, 64, (g, x) => blocks.surveyInterleavedV2(g, x, { out: 64 })),
  row("ChannelConv as GCWConv", 8, 8, (g, x) => blocks.surveyChannelConv(g, x, { group: 2, kernel: [6, 1, 1], padding: 2 })),
  row("ChannelConv as DWSCWConv", 8, 8, (g, x) => blocks.surveyChannelConv(g, x, { group: 1, kernel: [5, 1, 1], padding: 2 })),
  row("Fused-MBConv as coded", 4, 6, (g, x) => blocks.surveyFusedMbConv(g, x, { out: 6 })),
  row("Fused-MBConv of the docstring", 3, 3, (g, x) => blocks.surveyFusedMbConv(g, x, { out: 3, projection: "identity", reduction: 6 })),
  row("GhostModule", 6, 8, (g, x) => blocks.surveyGhostModule(g, x, { out: 8 })),
];

/** As the papers, or their authors' code, have them. */
export const papers: readonly BlockCase[] = [
  row("Fire", 6, 12, (g, x) => blocks.fire(g, x, fire)),
  row("Fire with a simple bypass", 12, 12, (g, x) => blocks.fire(g, x, { ...fire, bypass: "simple" })),
  row("Fire with a complex bypass", 6, 12, (g, x) => blocks.fire(g, x, { ...fire, bypass: "complex", norm: {} })),
  row("SqueezeNext", 8, 8, (g, x) => blocks.squeezeNext(g, x, { out: 8, groups: 2 })),
  row("SqueezeNext, transition v1", 6, 8, (g, x) => blocks.squeezeNext(g, x, { out: 8, stride: 2, transition: "v1" }), 2),
  row("SqueezeNext, transition v5", 6, 8, (g, x) => blocks.squeezeNext(g, x, { out: 8, stride: 2, transition: "v5" }), 2),
  row("depthwise separable", 6, 10, (g, x) => blocks.depthwiseSeparable(g, x, { out: 10, stride: 2, act: "relu6" }), 2),
  row("inverted residual", 4, 4, (g, x) => blocks.invertedResidual(g, x, { out: 4, hidden: 12 })),
  row("inverted residual, stride 2", 4, 6, (g, x) => blocks.invertedResidual(g, x, { out: 6, hidden: 12, stride: 2, layout: "conv" }), 2),
  row("MobileNetV3 block", 4, 4, (g, x) => {
    return blocks.invertedResidual(g, x, { out: 4, hidden: 12, kernel: 5, act: "hardSwish", squeeze: attention });
  }),
  row("squeeze and excitation", 8, 8, (g, x) => blocks.squeezeExcitation(g, x, attention)),
  row("ShuffleNet unit", 16, 16, (g, x) => blocks.shuffleNetUnit(g, x, { out: 16, groups: 4 })),
  row(
    "ShuffleNet unit added at stride 2",
    16,
    16,
    (g, x) => blocks.shuffleNetUnit(g, x, { out: 16, groups: 2, stride: 2, join: "add" }),
    2,
  ),
  row("ShuffleNet unit, stride 2", 12, 24, (g, x) => blocks.shuffleNetUnit(g, x, { out: 24, groups: 3, stride: 2 }), 2),
  row("ShuffleNet unit, the later convention", 24, 24, (g, x) => blocks.shuffleNetUnit(g, x, { out: 24, groups: 3, convention: "megvii" })),
  row(
    "ShuffleNet unit, the later convention, stride 2",
    12,
    24,
    (g, x) => {
      return blocks.shuffleNetUnit(g, x, { out: 24, groups: 3, stride: 2, convention: "megvii" });
    },
    2,
  ),
  row("ShuffleNetV2 unit", 8, 8, (g, x) => blocks.shuffleUnit(g, x, { out: 8, isSplit: true })),
  row(
    "ShuffleNetV2 unit, stride 2, the paper's split",
    6,
    16,
    (g, x) => {
      return blocks.shuffleUnit(g, x, { out: 16, stride: 2, isSplit: false, left: 6 });
    },
    2,
  ),
  row(
    "ShuffleNetV2 unit, stride 2, torchvision's split",
    6,
    16,
    (g, x) => blocks.shuffleUnit(g, x, { out: 16, stride: 2, isSplit: false }),
    2,
  ),
  row("IGCV1", 8, 12, (g, x) => blocks.interleavedV1(g, x, { out: 12, primary: 4, secondary: 3, stride: 2 }), 2),
  row("IGCV2", 8, 16, (g, x) => blocks.interleavedV2(g, x, { out: 16, groupWidth: 4 })),
  row("IGCV3", 4, 4, (g, x) => blocks.interleavedV3(g, x, { out: 4, hidden: 12 })),
  row(
    "IGCV3, the PyTorch form, stride 2",
    4,
    8,
    (g, x) => {
      return blocks.interleavedV3(g, x, { out: 8, hidden: 12, stride: 2, form: "pytorch" });
    },
    2,
  ),
  row("ChannelNet's unit", 6, 8, (g, x) => blocks.channelNetUnit(g, x, { out: 8, stride: 2 }), 2),
  row("ChannelNet's GM", 8, 8, (g, x) => blocks.groupModule(g, x, { groups: 2 })),
  row("ChannelNet's GCWM", 8, 8, (g, x) => blocks.groupModule(g, x, { groups: 2, channelLength: 8 })),
  row("ChannelNet's DWSCW", 8, 8, (g, x) => blocks.depthwiseSeparableChannelConvolution(g, x, { length: 5 })),
  row("MBConv", 4, 4, (g, x) => blocks.mbConv(g, x, { out: 4, expand: 6 })),
  row("MBConv, stride 2", 4, 6, (g, x) => blocks.mbConv(g, x, { out: 6, expand: 4, kernel: 5, stride: 2, squeezeRatio: 0 }), 2),
  row("Fused-MBConv", 4, 4, (g, x) => blocks.fusedMbConv(g, x, { out: 4, expand: 4 })),
  row(
    "Fused-MBConv, stride 2, attention",
    4,
    6,
    (g, x) => {
      return blocks.fusedMbConv(g, x, { out: 6, expand: 2, stride: 2, squeezeRatio: 0.25 });
    },
    2,
  ),
  row("Ghost module", 6, 11, (g, x) => blocks.ghostModule(g, x, { out: 11, ratio: 3, kernel: 3, stride: 2 }), 2),
  row("Ghost bottleneck", 6, 6, (g, x) => blocks.ghostBottleneck(g, x, { out: 6, hidden: 10, squeeze: attention })),
  row("Ghost bottleneck, stride 2", 6, 8, (g, x) => blocks.ghostBottleneck(g, x, { out: 8, hidden: 10, stride: 2 }), 2),
  row("Dynamic Shift-Max", 12, 12, (g, x) => blocks.shiftMax(g, x, { groups: 3 })),
  row("Dynamic Shift-Max of one sum", 8, 8, (g, x) => blocks.shiftMax(g, x, { groups: 2, start: blocks.shiftMaxStarts.single })),
  row("micro-factorised depthwise", 6, 24, (g, x) => blocks.microDepthwise(g, x, { kernel: 5, stride: 2, expand: [2, 2] }), 2),
  row("micro-factorised pointwise", 8, 16, (g, x) => blocks.microPointwise(g, x, { out: 16, hidden: 4, groups: 2 })),
  row("Micro-A", 4, 8, (g, x) => blocks.microBlock(g, x, { ...micro, out: 8, stride: 2, expand: [2, 2], groups: [0, 4] }), 2),
  row("Micro-B", 8, 8, (g, x) => blocks.microBlock(g, x, { ...micro, out: 8 })),
  row("Micro-C", 8, 32, (g, x) => blocks.microBlock(g, x, { ...micro, out: 32, lastGroups: [0, 0] })),
  row("MicroNet's stem", 3, 8, (g, x) => blocks.microStem(g, x, { channels: [4, 2], out: 8, stride: 2 }), 2),
  row("MicroNet's stem of pairs", 3, 4, (g, x) => blocks.microStem(g, x, { channels: [4, 2], out: 4, stride: 2 }), 2),
  ...([1, 2, 3] as const).map((depth) => row(`CompConv of depth ${depth}`, 12, 17, (g, x) => blocks.compConv(g, x, { out: 17, depth }))),
  row(
    "CompConv, disjoint, cut at the tail, shuffled, stride 2",
    12,
    24,
    (g, x) => {
      return blocks.compConv(g, x, { out: 24, depth: 3, slices: "disjoint", surplus: "tail", shuffle: 2, stride: 2 });
    },
    2,
  ),
  row("residual block", 6, 8, (g, x) => blocks.basicBlock(g, x, { out: 8, stride: 2, shortcut: "zeros" }), 2),
  row("residual block with a projection", 6, 8, (g, x) => blocks.basicBlock(g, x, { out: 8, stride: 2 }), 2),
  row("bottleneck", 6, 16, (g, x) => blocks.bottleneck(g, x, { hidden: 4 })),
  row("AdderNet's convolution", 6, 10, (g, x) => blocks.adderConvolution(g, x, { out: 10, groups: 2, hasBias: true })),
  row("AdderNet's basic block", 6, 6, (g, x) => blocks.adderBasicBlock(g, x, { out: 6 })),
  row("AdderNet's basic block, stride 2", 6, 8, (g, x) => blocks.adderBasicBlock(g, x, { out: 8, stride: 2 }), 2),
  row("AdderNet's bottleneck", 16, 16, (g, x) => blocks.adderBottleneck(g, x, { hidden: 4 })),
  row("AdderNet's bottleneck, stride 2", 6, 16, (g, x) => blocks.adderBottleneck(g, x, { hidden: 4, stride: 2 }), 2),
];

/** Classification layers, which leave [n, classes]. */
export const heads: readonly BlockCase[] = [
  row("the survey's ChannelConv as classification layer", 8, 5, (g, x) => {
    const [, channels, ...window] = x.shape as readonly [number, number, number, number];
    const y = blocks.surveyChannelConv(g, x, { group: 1, kernel: [channels - 5 + 1, ...window], padding: 0 });
    return blocks.pooledFeatures(g, y);
  }),
  row("ChannelNet's classification layer", 8, 5, (g, x) => blocks.convolutionalClassification(g, x, { classes: 5 })),
];
