import { activate, convNormActivation, dropout, fullyConnected, invertedResidual, pooledFeatures } from "../blocks/index.ts";
import { channels, type Value } from "../ir/graph.ts";
import type { Scope } from "../ir/scope.ts";
import { makeDivisible, type Network, type NetworkSettings, normOf, strideRule } from "./network.ts";

/** A row of the paper's tables: kernel, expansion size, output channels, squeeze and excite, nonlinearity, stride. */
interface Row {
  readonly k: 3 | 5;
  readonly exp: number;
  readonly out: number;
  readonly SE: boolean;
  readonly NL: "RE" | "HS";
  readonly s: 1 | 2;
}

/** Table 1 of the paper. */
const large: readonly Row[] = [
  { k: 3, exp: 16, out: 16, SE: false, NL: "RE", s: 1 },
  { k: 3, exp: 64, out: 24, SE: false, NL: "RE", s: 2 },
  { k: 3, exp: 72, out: 24, SE: false, NL: "RE", s: 1 },
  { k: 5, exp: 72, out: 40, SE: true, NL: "RE", s: 2 },
  { k: 5, exp: 120, out: 40, SE: true, NL: "RE", s: 1 },
  { k: 5, exp: 120, out: 40, SE: true, NL: "RE", s: 1 },
  { k: 3, exp: 240, out: 80, SE: false, NL: "HS", s: 2 },
  { k: 3, exp: 200, out: 80, SE: false, NL: "HS", s: 1 },
  { k: 3, exp: 184, out: 80, SE: false, NL: "HS", s: 1 },
  { k: 3, exp: 184, out: 80, SE: false, NL: "HS", s: 1 },
  { k: 3, exp: 480, out: 112, SE: true, NL: "HS", s: 1 },
  { k: 3, exp: 672, out: 112, SE: true, NL: "HS", s: 1 },
  { k: 5, exp: 672, out: 160, SE: true, NL: "HS", s: 2 },
  { k: 5, exp: 960, out: 160, SE: true, NL: "HS", s: 1 },
  { k: 5, exp: 960, out: 160, SE: true, NL: "HS", s: 1 },
];

/** Table 2 of the paper. */
const small: readonly Row[] = [
  { k: 3, exp: 16, out: 16, SE: true, NL: "RE", s: 2 },
  { k: 3, exp: 72, out: 24, SE: false, NL: "RE", s: 2 },
  { k: 3, exp: 88, out: 24, SE: false, NL: "RE", s: 1 },
  { k: 5, exp: 96, out: 40, SE: true, NL: "HS", s: 2 },
  { k: 5, exp: 240, out: 40, SE: true, NL: "HS", s: 1 },
  { k: 5, exp: 240, out: 40, SE: true, NL: "HS", s: 1 },
  { k: 5, exp: 120, out: 48, SE: true, NL: "HS", s: 1 },
  { k: 5, exp: 144, out: 48, SE: true, NL: "HS", s: 1 },
  { k: 5, exp: 288, out: 96, SE: true, NL: "HS", s: 2 },
  { k: 5, exp: 576, out: 96, SE: true, NL: "HS", s: 1 },
  { k: 5, exp: 576, out: 96, SE: true, NL: "HS", s: 1 },
];

const variants = {
  paper: "expansions scale as ratios of the scaled input, the head is not scaled (the authors' code)",
  torchvision: "every listed channel count scales, the head too (differs only where width is not 1)",
  minimalistic: "no squeeze and excite, ReLU, 3×3 kernels (the authors' code)",
} as const;

/** Expansion channels of a row: the two published codes disagree where width is not 1. */
function expandedChannels(row: Row, tableInput: number, x: Value, { width, variant }: NetworkSettings): number {
  return variant === "torchvision" ? makeDivisible(row.exp * width) : makeDivisible((row.exp / tableInput) * channels(x));
}

function build(g: Scope, image: Value, settings: NetworkSettings, rows: readonly Row[], head: number): Value {
  const { width, variant, padding } = settings;
  const isMinimalistic = variant === "minimalistic";
  const stride = strideRule(settings);
  const shared = { norm: normOf(settings), padding };
  const hardSwish = isMinimalistic ? "relu" : "hardSwish";
  let tableInput = 16;
  let x = convNormActivation(g.scope("features.0"), image, {
    ...shared,
    out: makeDivisible(16 * width),
    stride: stride(2),
    act: hardSwish,
  });
  for (const [i, row] of rows.entries()) {
    const hidden = expandedChannels(row, tableInput, x, settings);
    const hasAttention = row.SE && !isMinimalistic;
    x = invertedResidual(g.scope(`features.${i + 1}`), x, {
      ...shared,
      out: makeDivisible(row.out * width),
      hidden,
      kernel: isMinimalistic ? 3 : row.k,
      stride: stride(row.s),
      act: row.NL === "RE" ? "relu" : hardSwish,
      squeeze: hasAttention ? { squeeze: makeDivisible(hidden / 4), gate: "hardSigmoid" } : undefined,
    });
    tableInput = row.out;
  }
  x = convNormActivation(g.scope(`features.${rows.length + 1}`), x, { ...shared, out: 6 * channels(x), kernel: 1, act: hardSwish });
  x = pooledFeatures(g.scope("avgpool"), x);
  const hidden = variant === "torchvision" ? makeDivisible(head * width) : head;
  x = activate(g.scope("classifier.1"), fullyConnected(g.scope("classifier.0"), x, { out: hidden }), hardSwish);
  x = dropout(g.scope("classifier.2"), x, settings.dropout);
  return fullyConnected(g.scope("classifier.3"), x, { out: settings.classes });
}

const shared = {
  paper: "arXiv 1905.02244",
  year: 2019,
  inputSize: 224,
  variants,
  strides: 5,
  dropout: 0.2,
  normMomentum: 0.01,
  normEps: () => 1e-3,
} as const;

/** MobileNetV3-Large. Weight names are torchvision's. */
export const mobilenetV3Large: Network = {
  ...shared,
  name: "mobilenet-v3-large",
  title: "MobileNetV3-Large",
  published: { params: "5.4M", macs: "219M", top1: 75.2 },
  exact: { params: 5_483_032, macs: 216_589_760 },
  build: (g, image, settings) => build(g, image, settings, large, 1280),
};

/** MobileNetV3-Small with the released code's head of 1024; the printed 2.9M belong to an earlier head of 1280. */
export const mobilenetV3Small: Network = {
  ...shared,
  name: "mobilenet-v3-small",
  title: "MobileNetV3-Small",
  published: { params: "2.9M", macs: "66M", top1: 67.4 },
  exact: { params: 2_542_856, macs: 56_510_400 },
  build: (g, image, settings) => build(g, image, settings, small, 1024),
};
