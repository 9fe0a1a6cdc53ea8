import { convNormActivation, depthwiseSeparable, dropout, fullyConnected, pooledFeatures } from "../blocks/index.ts";
import { type Network, normOf, strideRule } from "./network.ts";

/** Table 1 of the paper: channels, units, stride of the first unit. */
export const bodyOfMobilenetV1 = [
  { c: 64, n: 1, s: 1 },
  { c: 128, n: 2, s: 2 },
  { c: 256, n: 2, s: 2 },
  { c: 512, n: 6, s: 2 },
  { c: 1024, n: 2, s: 2 },
] as const;

/** The width multiplier α as the published code applies it: no rounding to multiples, at least 8 channels. */
export function scaledByAlpha(c: number, alpha: number): number {
  return Math.max(Math.floor(c * alpha), 8);
}

/** MobileNet: depthwise separable convolutions throughout. Weight names are pytorchcv's. */
export const mobilenetV1: Network = {
  name: "mobilenet-v1",
  title: "MobileNet",
  paper: "arXiv 1704.04861",
  year: 2017,
  published: { params: "4.2M", macs: "569M", top1: 70.6 },
  exact: { params: 4_231_976, macs: 568_740_352 },
  inputSize: 224,
  variants: { paper: "ReLU, as the paper says", relu6: "ReLU6, as the published TensorFlow code has it" },
  strides: 5,
  dropout: 0,
  normMomentum: 0.1,
  build(g, image, settings) {
    const stride = strideRule(settings);
    const alpha = settings.width;
    const shared = {
      act: settings.variant === "relu6" ? "relu6" : "relu",
      norm: normOf(settings),
      padding: settings.padding,
    } as const;
    const features = g.scope("features");
    const names = { conv: "conv", norm: "bn" };
    let x = convNormActivation(features.scope("init_block"), image, { ...shared, out: scaledByAlpha(32, alpha), stride: stride(2), names });
    for (const [stage, { c, n, s }] of bodyOfMobilenetV1.entries()) {
      for (let unit = 0; unit < n; unit++) {
        const at = features.scope(`stage${stage + 1}.unit${unit + 1}`);
        x = depthwiseSeparable(at, x, { ...shared, out: scaledByAlpha(c, alpha), stride: stride(unit === 0 ? s : 1) });
      }
    }
    x = pooledFeatures(features.scope("final_pool"), x);
    return fullyConnected(g.scope("output"), dropout(g.scope("dropout"), x, settings.dropout), { out: settings.classes });
  },
};
