import { adderNormActivation } from "../blocks/index.ts";
import type { Network } from "./network.ts";
import { buildResidualNet, cifarStages, imagenetStages, type ResidualNet } from "./resnet.ts";

interface Row {
  readonly depth: number;
  readonly block: ResidualNet["block"];
  readonly stages: ResidualNet["stages"];
  readonly top1: number;
  readonly exact: Network["exact"];
}

/** The networks of section 4; top-1 of the authors' table. `macs` are the products that are left: the first layer's and the classifier's. */
const cifar: readonly Row[] = [
  { depth: 20, block: "basic", stages: cifarStages(20), top1: 92.02, exact: { params: 272_484, macs: 443_008 } },
  { depth: 32, block: "basic", stages: cifarStages(32), top1: 93.01, exact: { params: 466_916, macs: 443_008 } },
];
const imagenet: readonly Row[] = [
  { depth: 18, block: "basic", stages: imagenetStages([2, 2, 2, 2]), top1: 67.0, exact: { params: 11_691_512, macs: 118_525_952 } },
  { depth: 50, block: "bottleneck", stages: imagenetStages([3, 4, 6, 3]), top1: 74.9, exact: { params: 25_559_032, macs: 120_061_952 } },
];

/** A residual network of adders, projections included; weight names are those of the authors' code. arXiv 1912.13200, section 4. */
function adderNet({ depth, block, stages, top1, exact }: Row, stem: ResidualNet["stem"], more: Partial<Network>): Network {
  // Their classifier is a 1×1 convolution, with a bias on ImageNet only, whose logits are normalised.
  const head = { hasBias: stem === "imagenet" };
  const net: ResidualNet = { block, stages, stem, shortcut: "projection", strideAt: 2, layer: adderNormActivation, head };
  return {
    name: `addernet-resnet-${depth}`,
    title: `AdderNet ResNet-${depth}`,
    paper: "arXiv 1912.13200",
    year: 2019,
    published: { params: "–", macs: "–", top1 },
    exact,
    inputSize: 224,
    strides: 5,
    variants: { paper: "as the authors' code: projections where shapes change, normalised logits" },
    dropout: 0,
    normMomentum: 0.1,
    arithmetic: "adder",
    normalisesFeatures: true,
    ...more,
    build: (g, image, settings) => buildResidualNet(g, image, settings, net),
  };
}

/** The layers are the same in all of them, and stem and bottleneck those of the residual networks. */
const scaledFrom = "addernet-resnet-20";
const small = { inputSize: 32, classes: 10, strides: 2 } as const;

/** AdderNet's residual networks, for 32×32 pixels and for ImageNet. */
export const adderNets: readonly Network[] = [
  ...cifar.map((row) => adderNet(row, "cifar", { ...small, ...(row.depth === 20 ? {} : { scaledFrom }) })),
  ...imagenet.map((row) => adderNet(row, "imagenet", { scaledFrom })),
];
