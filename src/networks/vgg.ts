import {
  activate,
  convNormActivation,
  type DesignName,
  dropout,
  fullyConnected,
  maxPool,
  nearestMultiple,
  normalisation,
  pooledFeatures,
  standIn,
} from "../blocks/index.ts";
import type { Value } from "../ir/graph.ts";
import type { Scope } from "../ir/scope.ts";
import { reshape } from "../ops/reshape.ts";
import { type Network, type NetworkSettings, normOf, strideRule } from "./network.ts";

/** Column D of the paper's table 1: channels and 3×3 convolutions of each stage; a 2×2 max pooling follows each. */
const stages = [
  { c: 64, n: 2 },
  { c: 128, n: 2 },
  { c: 256, n: 3 },
  { c: 512, n: 3 },
  { c: 512, n: 3 },
] as const;

/** Channels at a width, as multiples of 8, which every design can split. */
function scaled(c: number, width: number): number {
  return nearestMultiple(c * width, 8);
}

/** What the two forms differ in. */
interface Form {
  readonly hasBias: boolean;
  readonly isNormalised: (variant: string) => boolean;
  /** Features of the classifier's hidden layers. */
  readonly hidden: readonly number[];
  /** The classifier reads means, so that its weights fit every size (at 32×32 pixels one pixel is left anyhow), and normalises. */
  readonly isPooled?: true;
}

/** A convolution under torchvision's names, or a design in its place. `index` is its place among the layers. */
function slot(g: Scope, x: Value, index: number, out: number, settings: NetworkSettings, form: Form): Value {
  const shared = { out, norm: normOf(settings), padding: settings.padding };
  const conv: DesignName = settings.conv;
  if (conv !== "vanilla") {
    const place = { ...shared, compConv: settings.compConv, ...(index === 0 ? ({ readsImage: true } as const) : {}) };
    return standIn(conv, g.scope(String(index)), x, place);
  }
  const names = { conv: String(index), norm: String(index + 1) };
  const norm = form.isNormalised(settings.variant) ? shared.norm : "none";
  return convNormActivation(g, x, { ...shared, norm, hasBias: form.hasBias, names });
}

function flattened(g: Scope, x: Value): Value {
  const [n, c, h, w] = x.shape;
  return reshape(g, [x], { shape: [n, c * h * w] });
}

function classifier(g: Scope, x: Value, settings: NetworkSettings, { hidden, isPooled }: Form): Value {
  let y = isPooled ? pooledFeatures(g, x) : flattened(g, x);
  for (const [i, features] of hidden.entries()) {
    const at = (offset: number): Scope => g.scope(String(3 * i + offset));
    y = fullyConnected(at(0), y, { out: scaled(features, settings.width) });
    if (isPooled) y = normalisation(g.scope("bn"), y, normOf(settings));
    y = dropout(at(2), activate(at(1), y, "relu"), settings.dropout);
  }
  return fullyConnected(g.scope(String(3 * hidden.length)), y, { out: settings.classes });
}

function build(g: Scope, image: Value, settings: NetworkSettings, form: Form): Value {
  const stride = strideRule(settings);
  const features = g.scope("features");
  const layersEach = form.isNormalised(settings.variant) ? 3 : 2;
  let index = 0;
  let x = image;
  for (const { c, n } of stages) {
    for (let i = 0; i < n; i++) {
      x = slot(features, x, index, scaled(c, settings.width), settings, form);
      index += layersEach;
    }
    if (stride(2) === 2) x = maxPool(features.scope(String(index)), x, { kernel: 2, stride: 2 });
    index++;
  }
  return classifier(g.scope("classifier"), x, settings, form);
}

const shared = {
  paper: "arXiv 1409.1556",
  strides: 5,
  dropout: 0.5,
  normMomentum: 0.1,
  takesDesigns: true,
  // Each pooling needs two pixels.
  leastSize: (droppedStrides: number) => 2 ** (5 - droppedStrides),
} as const;

/** VGG-16, configuration D. Weight names are torchvision's. */
export const vgg16: Network = {
  ...shared,
  name: "vgg-16",
  title: "VGG-16",
  year: 2014,
  published: { params: "138M", macs: "–", top1: 74.4 },
  exact: { params: 138_357_544, macs: 15_470_264_320 },
  inputSize: 224,
  variants: { paper: "biases, no normalisation", normalised: "batch normalisation after each convolution (torchvision's vgg16_bn)" },
  isSizeBound: true,
  build: (g, image, settings) =>
    build(g, image, settings, { hasBias: true, isNormalised: (variant) => variant === "normalised", hidden: [4096, 4096] }),
};

/** VGG-16 for 32×32 pixels, as compared in GhostNet's paper (arXiv 1911.11907, table 5): batch normalisation, one hidden layer of 512. */
export const vgg16Cifar: Network = {
  ...shared,
  name: "vgg-16-cifar",
  title: "VGG-16 for CIFAR",
  year: 2015,
  published: { params: "15M", macs: "313M", top1: 93.6 },
  exact: { params: 14_987_722, macs: 313_463_808 },
  inputSize: 32,
  classes: 10,
  variants: { paper: "batch normalisation, no biases in front of it, classifier 512–512–classes" },
  keepsStrides: true,
  build: (g, image, settings) => build(g, image, settings, { hasBias: false, isNormalised: () => true, hidden: [512], isPooled: true }),
};
