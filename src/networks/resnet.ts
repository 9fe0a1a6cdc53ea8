import {
  convNormActivation,
  dropout,
  everyPixel,
  fullyConnected,
  maxPool,
  nearestMultiple,
  pooledFeatures,
  type Slot,
  standIn,
} from "../blocks/index.ts";
import { channels, type Value } from "../ir/graph.ts";
import type { Scope } from "../ir/scope.ts";
import { add } from "../ops/add.ts";
import { relu } from "../ops/relu.ts";
import { padChannels } from "../ops/slice.ts";
import { type Network, type NetworkSettings, strideRule } from "./network.ts";

/** A residual network: channels and blocks of each stage, and which of the paper's shortcuts join where shapes change. */
export interface ResidualNet {
  readonly block: "basic" | "bottleneck";
  readonly stages: readonly { readonly c: number; readonly n: number }[];
  /** "cifar": 3×3. "imagenet": 7×7 with stride 2, then a pooling. */
  readonly stem: "cifar" | "imagenet";
  /** Option A (pixels left out, channels of zeros) or option B (1×1 convolution) of section 3.3. */
  readonly shortcut: (variant: string) => "zeros" | "projection";
}

/** Channels of a bottleneck's output over those of its 3×3 convolution. */
const EXPANSION = 4;

/** Channels at a width, as multiples of 8, which every design can split. */
function scaled(c: number, width: number): number {
  return nearestMultiple(c * width, 8);
}

/** What a convolution of a residual network needs beside its place. */
interface Part extends Slot {
  readonly kernel: number;
}

/**
 * How designs are sized in the networks for small pictures. The counts published for Ghost-ResNet-56 (0.43 M, 63 M) leave room for cheap filters of
 * 1×1 only; 3×3 would give 0.44 M and 65 M. CompConv's C₀ is the first stage's channels, so that the stages have one, two and three levels.
 */
const onCifar = { cheapKernel: 1, compConv: { base: 16 } } as const;

/** `conv<index>` and `bn<index>`; a design stands in for the 3×3 convolutions. */
function convolved(g: Scope, x: Value, index: number, { kernel, ...slot }: Part, settings: NetworkSettings): Value {
  const compConv = { ...slot.compConv, ...settings.compConv };
  const shared = { ...slot, compConv, norm: { momentum: settings.normMomentum }, padding: settings.padding };
  if (settings.conv !== "vanilla" && kernel === 3) return standIn(settings.conv, g.scope(`conv${index}`), x, shared);
  const { readsImage: _, cheapKernel: __, compConv: ___, ...plain } = shared;
  return convNormActivation(g, x, { ...plain, kernel, names: { conv: `conv${index}`, norm: `bn${index}` } });
}

/** The block's input in the shape of its output. */
function shortcut(g: Scope, x: Value, out: number, stride: number, kind: "zeros" | "projection", settings: NetworkSettings): Value {
  if (stride === 1 && channels(x) === out) return x;
  if (kind === "projection") {
    const { normMomentum: momentum, padding } = settings;
    const names = { conv: "downsample.0", norm: "downsample.1" };
    return convNormActivation(g, x, { out, kernel: 1, stride, norm: { momentum }, padding, act: "identity", names });
  }
  const kept = everyPixel(g, x, stride);
  const added = out - channels(x);
  return added === 0 ? kept : padChannels(g, [kept], { before: added >> 1, after: added - (added >> 1) });
}

function residualBlock(g: Scope, x: Value, c: number, stride: number, net: ResidualNet, settings: NetworkSettings): Value {
  const isPaper = settings.variant !== "torchvision";
  const part = (out: number, kernel: number, step = 1, act: "relu" | "identity" = "relu"): Part => ({
    out,
    kernel,
    stride: step,
    act,
    ...(net.stem === "cifar" ? onCifar : {}),
  });
  if (net.block === "basic") {
    const y = convolved(g, x, 1, part(c, 3, stride), settings);
    const branch = convolved(g, y, 2, part(c, 3, 1, "identity"), settings);
    return relu(g, [add(g, [branch, shortcut(g, x, c, stride, net.shortcut(settings.variant), settings)], {})], {});
  }
  let y = convolved(g, x, 1, part(c, 1, isPaper ? stride : 1), settings);
  y = convolved(g, y, 2, part(c, 3, isPaper ? 1 : stride), settings);
  y = convolved(g, y, 3, part(EXPANSION * c, 1, 1, "identity"), settings);
  return relu(g, [add(g, [y, shortcut(g, x, EXPANSION * c, stride, net.shortcut(settings.variant), settings)], {})], {});
}

/** Builds a residual network from images to logits. arXiv 1512.03385, fig. 3 and section 4.2. */
function buildResidualNet(g: Scope, image: Value, settings: NetworkSettings, net: ResidualNet): Value {
  const stride = strideRule(settings);
  const first = scaled(net.stages[0].c, settings.width);
  const stem = net.stem === "cifar" ? { kernel: 3, stride: 1 } : { kernel: 7, stride: stride(2) };
  const sizes = net.stem === "cifar" ? onCifar : {};
  let x = convolved(g, image, 1, { out: first, ...stem, ...sizes, readsImage: true }, settings);
  if (net.stem === "imagenet" && stride(2) === 2) x = maxPool(g.scope("maxpool"), x, { kernel: 3, stride: 2, padding: settings.padding });
  for (const [stage, { c, n }] of net.stages.entries()) {
    for (let i = 0; i < n; i++) {
      const step = i === 0 && stage > 0 ? stride(2) : 1;
      x = residualBlock(g.scope(`layer${stage + 1}.${i}`), x, scaled(c, settings.width), step, net, settings);
    }
  }
  x = dropout(g.scope("dropout"), pooledFeatures(g.scope("avgpool"), x), settings.dropout);
  return fullyConnected(g.scope("fc"), x, { out: settings.classes });
}

const shared = { paper: "arXiv 1512.03385", year: 2015, dropout: 0, normMomentum: 0.1, takesDesigns: true } as const;

/** A CIFAR network of 6n + 2 layers. */
function cifar(depth: number, published: Network["published"], exact: Network["exact"], more: Partial<Network> = {}): Network {
  const n = (depth - 2) / 6;
  const net: ResidualNet = {
    block: "basic",
    stages: [16, 32, 64].map((c) => ({ c, n })),
    stem: "cifar",
    shortcut: (variant) => (variant === "projection" ? "projection" : "zeros"),
  };
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
    build: (g, image, settings) => buildResidualNet(g, image, settings, net),
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
      stages: [
        { c: 64, n: 3 },
        { c: 128, n: 4 },
        { c: 256, n: 6 },
        { c: 512, n: 3 },
      ],
      stem: "imagenet",
      shortcut: () => "projection",
    }),
};
