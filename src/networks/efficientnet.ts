import { buildEfficientNet, type Stage } from "./efficientnetBody.ts";
import { makeDivisible, type Network } from "./network.ts";

/** Table 1 of the paper: operator and expansion, kernel, channels, layers, stride (the printed resolutions give the strides; 28×28 at stage 6 is a misprint). */
const stages: readonly Stage[] = [
  { op: "MBConv", e: 1, k: 3, c: 16, n: 1, s: 1 },
  { op: "MBConv", e: 6, k: 3, c: 24, n: 2, s: 2 },
  { op: "MBConv", e: 6, k: 5, c: 40, n: 2, s: 2 },
  { op: "MBConv", e: 6, k: 3, c: 80, n: 3, s: 2 },
  { op: "MBConv", e: 6, k: 5, c: 112, n: 3, s: 1 },
  { op: "MBConv", e: 6, k: 5, c: 192, n: 4, s: 2 },
  { op: "MBConv", e: 6, k: 3, c: 320, n: 1, s: 1 },
];

/** A scaled network: the authors' multipliers of width and depth, resolution and dropout, and the numbers of table 2. */
interface Scaled {
  readonly w: number;
  readonly d: number;
  readonly r: number;
  readonly dropout: number;
  readonly published: Network["published"];
  readonly exact: Network["exact"];
}

/** The released models are those of this table, which is not exactly α^φ, β^φ, γ^φ. */
const sizes: readonly Scaled[] = [
  {
    ...{ w: 1, d: 1, r: 224, dropout: 0.2 },
    published: { params: "5.3M", macs: "0.39B", top1: 77.1 },
    exact: { params: 5_288_548, macs: 385_814_752 },
  },
  {
    ...{ w: 1, d: 1.1, r: 240, dropout: 0.2 },
    published: { params: "7.8M", macs: "0.70B", top1: 79.1 },
    exact: { params: 7_794_184, macs: 686_802_832 },
  },
  {
    ...{ w: 1.1, d: 1.2, r: 260, dropout: 0.3 },
    published: { params: "9.2M", macs: "1.0B", top1: 80.1 },
    exact: { params: 9_109_994, macs: 993_561_872 },
  },
  {
    ...{ w: 1.2, d: 1.4, r: 300, dropout: 0.3 },
    published: { params: "12M", macs: "1.8B", top1: 81.6 },
    exact: { params: 12_233_232, macs: 1_827_141_392 },
  },
  {
    ...{ w: 1.4, d: 1.8, r: 380, dropout: 0.4 },
    published: { params: "19M", macs: "4.2B", top1: 82.9 },
    exact: { params: 19_341_616, macs: 4_393_771_024 },
  },
  {
    ...{ w: 1.6, d: 2.2, r: 456, dropout: 0.4 },
    published: { params: "30M", macs: "9.9B", top1: 83.6 },
    exact: { params: 30_389_784, macs: 10_266_384_752 },
  },
  {
    ...{ w: 1.8, d: 2.6, r: 528, dropout: 0.5 },
    published: { params: "43M", macs: "19B", top1: 84.0 },
    exact: { params: 43_040_704, macs: 19_067_593_536 },
  },
  {
    ...{ w: 2, d: 3.1, r: 600, dropout: 0.5 },
    published: { params: "66M", macs: "37B", top1: 84.3 },
    exact: { params: 66_347_960, macs: 37_745_884_192 },
  },
];

/** The multipliers of the table give more than is printed; both reference implementations agree with them. */
const unreproduced: Readonly<Record<number, Network["unreproduced"]>> = {
  4: [{ what: "4.2 B MACs of EfficientNet-B4", why: "the authors' multipliers give 4.39 B, as both reference implementations do" }],
  5: [{ what: "9.9 B MACs of EfficientNet-B5", why: "the authors' multipliers give 10.27 B, as both reference implementations do" }],
};

function scaled(i: number): Network {
  const { w, d, r, dropout, published, exact } = sizes[i];
  return {
    name: `efficientnet-b${i}`,
    title: `EfficientNet-B${i}`,
    paper: "arXiv 1905.11946",
    year: 2019,
    published,
    exact,
    inputSize: r,
    variants: {
      paper: "the authors' code: TensorFlow's SAME padding, normalisation eps 1e-3 (timm's tf_ models)",
      torchvision: `padding of half the kernel on each side, eps ${i < 5 ? "1e-5" : "1e-3"}`,
    },
    paddings: { paper: "tensorflow" },
    strides: 5,
    dropout,
    stochasticDepth: 0.2,
    normMomentum: 0.01,
    normEps: (variant) => (variant === "torchvision" && i < 5 ? 1e-5 : 1e-3),
    scalesDepth: true,
    ...(i === 0 ? {} : { scaledFrom: "efficientnet-b0" }),
    ...(unreproduced[i] ? { unreproduced: unreproduced[i] } : {}),
    build: (g, image, settings) => buildEfficientNet(g, image, settings, { stem: 32, stages, head: 1280, w, d, round: makeDivisible }),
  };
}

/** EfficientNet-B0 to B7: one table, scaled in width, depth and resolution together. Weight names are torchvision's. */
export const efficientnets: readonly Network[] = sizes.map((_, i) => scaled(i));
