import { dropout, fullyConnected, pooledFeatures, vanillaConv } from "../blocks/index.ts";
import { bodyOfMobilenetV1, scaledByAlpha } from "./mobilenetV1.ts";
import { type Network, strideRule } from "./network.ts";

/**
 * The plain baseline: MobileNet's body with an ordinary 3×3 convolution in place of each depthwise separable one ("Conv MobileNet", table 4 of
 * the paper), made of the survey's VanillaConv. The paper's count has no biases in front of normalisation; ours, like the survey's code, does.
 */
export const vanilla: Network = {
  name: "vanilla",
  title: "Plain convolutions",
  paper: "arXiv 1704.04861, table 4",
  year: 2017,
  published: { params: "29.3M", macs: "4866M", top1: 71.7 },
  exact: { params: 29_300_072, macs: 4_867_293_184 },
  inputSize: 224,
  variants: { survey: "VanillaConv blocks: convolution with bias, batch normalisation, ReLU" },
  strides: 5,
  dropout: 0,
  normMomentum: 0.1,
  build(g, image, settings) {
    const stride = strideRule(settings);
    const shared = { norm: { momentum: settings.normMomentum }, padding: settings.padding };
    let index = 0;
    const unit = (x: typeof image, c: number, s: number): typeof image =>
      vanillaConv(g.scope(`features.${index++}`), x, { ...shared, out: scaledByAlpha(c, settings.width), stride: stride(s) });
    let x = unit(image, 32, 2);
    for (const { c, n, s } of bodyOfMobilenetV1) {
      for (let i = 0; i < n; i++) x = unit(x, c, i === 0 ? s : 1);
    }
    x = dropout(g.scope("dropout"), pooledFeatures(g.scope("avgpool"), x), settings.dropout);
    return fullyConnected(g.scope("classifier"), x, { out: settings.classes });
  },
};
