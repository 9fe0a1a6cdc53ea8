import { buildEfficientNet, type Stage } from "./efficientnetBody.ts";
import type { Network } from "./network.ts";
import { roundedChannels } from "./scaling.ts";

type Row = readonly [op: "F" | "M", e: number, c: number, n: number, s: 1 | 2];

/** Rows of the authors' tables: F is Fused-MBConv, M is MBConv with attention; all kernels are 3×3. */
function table(...rows: readonly Row[]): readonly Stage[] {
  return rows.map(([op, e, c, n, s]) => ({ op: op === "F" ? "FusedMBConv" : "MBConv", e, k: 3, c, n, s }));
}

/** Table 4 of the paper. */
const small = table(
  ["F", 1, 24, 2, 1],
  ["F", 4, 48, 4, 2],
  ["F", 4, 64, 4, 2],
  ["M", 4, 128, 6, 2],
  ["M", 6, 160, 9, 1],
  ["M", 6, 256, 15, 2],
);

/** The authors' code: M and L have one stage more, B0 to B3 are scaled from B0. */
const medium = table(
  ["F", 1, 24, 3, 1],
  ["F", 4, 48, 5, 2],
  ["F", 4, 80, 5, 2],
  ["M", 4, 160, 7, 2],
  ["M", 6, 176, 14, 1],
  ["M", 6, 304, 18, 2],
  ["M", 6, 512, 5, 1],
);
const large = table(
  ["F", 1, 32, 4, 1],
  ["F", 4, 64, 7, 2],
  ["F", 4, 96, 7, 2],
  ["M", 4, 192, 10, 2],
  ["M", 6, 224, 19, 1],
  ["M", 6, 384, 25, 2],
  ["M", 6, 640, 7, 1],
);
const base = table(
  ["F", 1, 16, 1, 1],
  ["F", 4, 32, 2, 2],
  ["F", 4, 48, 2, 2],
  ["M", 4, 96, 3, 2],
  ["M", 6, 112, 5, 1],
  ["M", 6, 192, 8, 2],
);

interface Size {
  readonly name: string;
  readonly stem: number;
  readonly stages: readonly Stage[];
  readonly w?: number;
  readonly d?: number;
  /** Pixels of a side for evaluation; training uses fewer (train/progressive.ts). */
  readonly r: number;
  readonly dropout: number;
  readonly published: Network["published"];
  readonly exact: Network["exact"];
  readonly unreproduced?: Network["unreproduced"];
}

const sizes: readonly Size[] = [
  {
    ...{ name: "S", stem: 24, stages: small, r: 384, dropout: 0.2 },
    published: { params: "21.5M", macs: "8.4B", top1: 83.9 },
    exact: { params: 21_458_488, macs: 8_365_617_152 },
  },
  {
    ...{ name: "M", stem: 24, stages: medium, r: 480, dropout: 0.3 },
    published: { params: "54.1M", macs: "24.7B", top1: 85.2 },
    exact: { params: 54_139_356, macs: 24_582_460_384 },
  },
  {
    ...{ name: "L", stem: 32, stages: large, r: 480, dropout: 0.4 },
    published: { params: "119.5M", macs: "56.3B", top1: 85.7 },
    exact: { params: 118_515_272, macs: 56_079_699_008 },
    unreproduced: [{ what: "119.5 M parameters of EfficientNetV2-L", why: "the authors' table gives 118.5 M, as both references do" }],
  },
  {
    ...{ name: "B0", stem: 32, stages: base, r: 224, dropout: 0.2 },
    published: { params: "7.1M", macs: "0.72B", top1: 78.7 },
    exact: { params: 7_139_704, macs: 718_086_176 },
  },
  {
    ...{ name: "B1", stem: 32, stages: base, d: 1.1, r: 240, dropout: 0.2 },
    published: { params: "8.1M", macs: "1.2B", top1: 79.8 },
    exact: { params: 8_141_052, macs: 1_196_819_360 },
  },
  {
    ...{ name: "B2", stem: 32, stages: base, w: 1.1, d: 1.2, r: 260, dropout: 0.3 },
    published: { params: "10.1M", macs: "1.7B", top1: 80.5 },
    exact: { params: 10_096_086, macs: 1_697_542_832 },
  },
  {
    ...{ name: "B3", stem: 32, stages: base, w: 1.2, d: 1.4, r: 300, dropout: 0.3 },
    published: { params: "14.4M", macs: "3.0B", top1: 82.1 },
    exact: { params: 14_358_406, macs: 3_011_458_816 },
  },
];

function sized({ name, stem, stages, w = 1, d = 1, r, unreproduced, ...rest }: Size): Network {
  const paper = "the authors' code: TensorFlow's SAME padding (timm's tf_ models)";
  return {
    ...rest,
    name: `efficientnet-v2-${name.toLowerCase()}`,
    title: `EfficientNetV2-${name}`,
    paper: "arXiv 2104.00298",
    year: 2021,
    inputSize: r,
    variants: stages === base ? { paper } : { paper, torchvision: "padding of half the kernel on each side" },
    paddings: { paper: "tensorflow" },
    strides: 5,
    stochasticDepth: 0.2,
    normMomentum: 0.01,
    normEps: () => 1e-3,
    scalesDepth: true,
    ...(name === "B0" ? {} : { scaledFrom: "efficientnet-v2-b0" }),
    ...(unreproduced ? { unreproduced } : {}),
    build: (g, image, settings) => buildEfficientNet(g, image, settings, { stem, stages, head: 1280, w, d, round: roundedChannels }),
  };
}

/** EfficientNetV2-S, M, L and B0 to B3: fused blocks early, attention late. Weight names are torchvision's. */
export const efficientnetsV2: readonly Network[] = sizes.map(sized);
