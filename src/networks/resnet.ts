import {
  basicBlock,
  bottleneck,
  convNormActivation,
  convolution,
  dropout,
  fullyConnected,
  maxPool,
  nearestMultiple,
  normalisation,
  pooledFeatures,
  type ResidualLayer,
  type Shortcut,
  type Slot,
  standIn,
} from "../blocks/index.ts";
import type { Value } from "../ir/graph.ts";
import type { Scope } from "../ir/scope.ts";
import { globalAveragePool } from "../ops/globalAveragePool.ts";
import { reshape } from "../ops/reshape.ts";
import { type Network, type NetworkSettings, normOf, strideRule } from "./network.ts";

type Layer = (g: Scope, x: Value, layer: ResidualLayer) => Value;

/** A residual network: channels and blocks of each stage, and what it is made of. */
export interface ResidualNet {
  readonly block: "basic" | "bottleneck";
  readonly stages: readonly { readonly c: number; readonly n: number }[];
  /** "cifar": 3×3. "imagenet": 7×7 with stride 2, then a pooling. */
  readonly stem: "cifar" | "imagenet";
  readonly shortcut: Shortcut;
  /** Which convolution of a bottleneck has the stride. */
  readonly strideAt?: 1 | 2;
  /** Builds the blocks' convolutions; by default ordinary ones, or the design of the settings. */
  readonly layer?: Layer;
  /** The classifier: a linear layer, or a 1×1 convolution (with a bias or without) and a normalisation of the logits. */
  readonly head?: "linear" | { readonly hasBias: boolean };
}

/** Channels at a width, as multiples of 8, which every design can split. */
function scaled(c: number, width: number): number {
  return nearestMultiple(c * width, 8);
}

/**
 * How designs are sized in the networks for small pictures. The counts published for Ghost-ResNet-56 (0.43 M, 63 M) leave room for cheap filters of
 * 1×1 only; 3×3 would give 0.44 M and 65 M. CompConv's C₀ is the first stage's channels, so that the stages have one, two and three levels.
 */
const onCifar = { cheapKernel: 1, compConv: { base: 16 } } as const;

/** A convolution under the block's names; a design stands in for the 3×3 ones. */
function layerOf({ conv, compConv }: NetworkSettings, { stem }: ResidualNet, isStem = false): Layer {
  const sizes: Pick<Slot, "cheapKernel" | "compConv"> = stem === "cifar" ? onCifar : {};
  return (g, x, layer) => {
    if (conv === "vanilla" || layer.kernel !== 3) return convNormActivation(g, x, layer);
    const { out, stride, act, norm, padding, names } = layer;
    const slot = {
      out,
      stride,
      act,
      padding,
      ...(norm === "none" ? {} : { norm }),
      ...sizes,
      compConv: { ...sizes.compConv, ...compConv },
    };
    return standIn(conv, g.scope(names.conv), x, isStem ? { ...slot, readsImage: true } : slot);
  };
}

function classifier(g: Scope, x: Value, { head = "linear" }: ResidualNet, settings: NetworkSettings): Value {
  const { classes, dropout: rate } = settings;
  if (head === "linear") {
    return fullyConnected(g.scope("fc"), dropout(g.scope("dropout"), pooledFeatures(g.scope("avgpool"), x), rate), { out: classes });
  }
  const means = dropout(g.scope("dropout"), globalAveragePool(g.scope("avgpool"), [x], {}), rate);
  const logits = convolution(g.scope("fc"), means, { out: classes, kernel: 1, hasBias: head.hasBias });
  return reshape(g, [normalisation(g.scope("bn2"), logits, normOf(settings))], { shape: [x.shape[0], classes] });
}

/** Builds a residual network from images to logits. arXiv 1512.03385, fig. 3 and section 4.2. */
export function buildResidualNet(g: Scope, image: Value, settings: NetworkSettings, net: ResidualNet): Value {
  const stride = strideRule(settings);
  const { width, padding } = settings;
  const norm = normOf(settings);
  const shared = { norm, padding, shortcut: net.shortcut, layer: net.layer ?? layerOf(settings, net) };
  const stem = net.stem === "cifar" ? { kernel: 3, stride: 1 } : { kernel: 7, stride: stride(2) };
  const first = { out: scaled(net.stages[0].c, width), ...stem, act: "relu", norm, padding } as const;
  let x = layerOf(settings, net, true)(g, image, { ...first, names: { conv: "conv1", norm: "bn1" } });
  if (net.stem === "imagenet" && stride(2) === 2) x = maxPool(g.scope("maxpool"), x, { kernel: 3, stride: 2, padding });
  for (const [stage, { c, n }] of net.stages.entries()) {
    for (let i = 0; i < n; i++) {
      const at = g.scope(`layer${stage + 1}.${i}`);
      const step = i === 0 && stage > 0 ? stride(2) : 1;
      if (net.block === "basic") x = basicBlock(at, x, { ...shared, out: scaled(c, width), stride: step });
      else x = bottleneck(at, x, { ...shared, hidden: scaled(c, width), stride: step, strideAt: net.strideAt ?? 1 });
    }
  }
  return classifier(g, x, net, settings);
}

const shared = { paper: "arXiv 1512.03385", year: 2015, dropout: 0, normMomentum: 0.1, takesDesigns: true } as const;

/** Channels and blocks of a CIFAR network of 6n + 2 layers. Section 4.2. */
export function cifarStages(depth: number): ResidualNet["stages"] {
  return [16, 32, 64].map((c) => ({ c, n: (depth - 2) / 6 }));
}

/** Channels of the stages on ImageNet, with so many blocks in each. Table 1. */
export function imagenetStages(blocks: readonly number[]): ResidualNet["stages"] {
  return blocks.map((n, i) => ({ c: 64 * 2 ** i, n }));
}

/** A CIFAR network of 6n + 2 layers. */
function cifar(depth: number, published: Network["published"], exact: Network["exact"], more: Partial<Network> = {}): Network {
  const net = { block: "basic", stages: cifarStages(depth), stem: "cifar" } as const;
  return {
    ...shared,
    name: `resnet-${depth}`,
    title: `ResNet-${depth}`,
    published,
    exact,
    inputSize: 32,
    classes: 10,
    strides: 2,
    variants: {
      paper: "option A: where shapes change, the shortcut leaves out pixels and adds channels of zeros",
      projection: "option B: a 1×1 convolution there",
    },
    build: (g, image, settings) =>
      buildResidualNet(g, image, settings, { ...net, shortcut: settings.variant === "projection" ? "projection" : "zeros" }),
    ...more,
  };
}

/** ResNet-20 for 32×32 pixels. */
export const resnet20: Network = cifar(20, { params: "0.27M", macs: "–", top1: 91.25 }, { params: 269_722, macs: 40_551_040 });

/** ResNet-56 for 32×32 pixels. */
export const resnet56: Network = cifar(
  56,
  { params: "0.85M", macs: "125M", top1: 93.0 },
  { params: 853_018, macs: 125_485_696 },
  { scaledFrom: "resnet-20" },
);

/** ResNet-50. Weight names are torchvision's. */
export const resnet50: Network = {
  ...shared,
  name: "resnet-50",
  title: "ResNet-50",
  published: { params: "–", macs: "3.8G", top1: 75.3 },
  exact: { params: 25_557_032, macs: 3_857_973_248 },
  inputSize: 224,
  strides: 5,
  variants: {
    paper: "the first 1×1 convolution of a stage's first block has the stride",
    torchvision: "its 3×3 convolution has it; 4.1 G MACs, what later papers compare with",
  },
  build: (g, image, settings) =>
    buildResidualNet(g, image, settings, {
      block: "bottleneck",
      stages: imagenetStages([3, 4, 6, 3]),
      stem: "imagenet",
      shortcut: "projection",
      strideAt: settings.variant === "torchvision" ? 2 : 1,
    }),
};
