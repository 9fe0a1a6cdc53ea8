import { convNormActivation, dropout, fullyConnected, invertedResidual, pooledFeatures } from "../blocks/index.ts";
import { channels } from "../ir/graph.ts";
import { makeDivisible, type Network, normOf, strideRule } from "./network.ts";

/** Table 2 of the paper: expansion, channels, repeats, stride of the first. */
const stages = [
  { t: 1, c: 16, n: 1, s: 1 },
  { t: 6, c: 24, n: 2, s: 2 },
  { t: 6, c: 32, n: 3, s: 2 },
  { t: 6, c: 64, n: 4, s: 2 },
  { t: 6, c: 96, n: 3, s: 1 },
  { t: 6, c: 160, n: 3, s: 2 },
  { t: 6, c: 320, n: 1, s: 1 },
] as const;

/** MobileNetV2: inverted residuals with linear bottlenecks. Weight names are torchvision's. */
export const mobilenetV2: Network = {
  name: "mobilenet-v2",
  title: "MobileNetV2",
  paper: "arXiv 1801.04381",
  year: 2018,
  published: { params: "3.4M", macs: "300M", top1: 72.0 },
  exact: { params: 3_504_872, macs: 300_774_272 },
  inputSize: 224,
  variants: { paper: "table 2 of the paper" },
  strides: 5,
  dropout: 0.2,
  normMomentum: 0.1,
  build(g, image, settings) {
    const stride = strideRule(settings);
    const alpha = settings.width;
    const shared = { act: "relu6", norm: normOf(settings), padding: settings.padding } as const;
    const features = g.scope("features");
    let index = 0;
    const next = (): typeof g => features.scope(String(index++));
    let x = convNormActivation(next(), image, { ...shared, out: makeDivisible(32 * alpha), stride: stride(2) });
    for (const { t, c, n, s } of stages) {
      for (let i = 0; i < n; i++) {
        const block = { out: makeDivisible(c * alpha), hidden: t * channels(x), stride: stride(i === 0 ? s : 1) };
        x = invertedResidual(next(), x, { ...shared, ...block, layout: "conv" });
      }
    }
    x = convNormActivation(next(), x, { ...shared, out: makeDivisible(1280 * Math.max(1, alpha)), kernel: 1 });
    x = dropout(g.scope("classifier.0"), pooledFeatures(g.scope("avgpool"), x), settings.dropout);
    return fullyConnected(g.scope("classifier.1"), x, { out: settings.classes });
  },
};
