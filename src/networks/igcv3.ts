import { convNormActivation, dropout, fullyConnected, interleavedV3, nearestMultiple, pooledFeatures } from "../blocks/index.ts";
import { channels } from "../ir/graph.ts";
import { type Network, normOf, strideRule } from "./network.ts";

/** The authors' IGCV3-D: MobileNetV2's table with twice the blocks: expansion, channels, repeats, stride of the first. */
const stages = [
  { t: 1, c: 16, n: 1, s: 1 },
  { t: 6, c: 24, n: 4, s: 2 },
  { t: 6, c: 32, n: 6, s: 2 },
  { t: 6, c: 64, n: 8, s: 2 },
  { t: 6, c: 96, n: 6, s: 1 },
  { t: 6, c: 160, n: 6, s: 2 },
  { t: 6, c: 320, n: 1, s: 1 },
] as const;

/** Channels at a width: even, as everything is split in two. The authors round to the next whole number, then up to an even one. */
function scaled(c: number, width: number): number {
  return nearestMultiple(Math.round(c * width), 2);
}

/** IGCV3-D: inverted residuals whose 1×1 convolutions have two groups. Weight names are those of the PyTorch port. */
export const igcv3: Network = {
  name: "igcv3",
  title: "IGCV3-D",
  paper: "arXiv 1806.00178",
  year: 2018,
  published: { params: "3.5M", macs: "–", top1: 72.2 },
  exact: { params: 3_491_688, macs: 312_970_176 },
  inputSize: 224,
  variants: {
    paper: "the authors' code: no activation after the first 1×1 convolution, the output is not permuted",
    pytorch: "the PyTorch port xxradon/IGCV3-pytorch: ReLU6 after the first 1×1 convolution, the output permuted back",
  },
  strides: 5,
  dropout: 0,
  normMomentum: 0.1,
  build(g, image, settings) {
    const stride = strideRule(settings);
    const { width } = settings;
    const shared = { act: "relu6", norm: normOf(settings), padding: settings.padding } as const;
    const form = settings.variant === "pytorch" ? "pytorch" : "paper";
    const features = g.scope("features");
    let index = 0;
    const next = (): typeof g => features.scope(String(index++));
    let x = convNormActivation(next(), image, { ...shared, out: scaled(32, width), stride: stride(2) });
    for (const { t, c, n, s } of stages) {
      for (let i = 0; i < n; i++) {
        const block = { out: scaled(c, width), hidden: t * channels(x), stride: stride(i === 0 ? s : 1) };
        x = interleavedV3(next(), x, { ...shared, ...block, form });
      }
    }
    x = convNormActivation(next(), x, { ...shared, out: Math.floor(1280 * Math.max(1, width)), kernel: 1 });
    x = dropout(g.scope("classifier.0"), pooledFeatures(next(), x), settings.dropout);
    return fullyConnected(g.scope("classifier.1"), x, { out: settings.classes });
  },
};
