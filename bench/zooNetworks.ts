/** The small networks that benchmarks train side by side: one of every family, of about 100,000 parameters, on the whole of Fashion-MNIST. */
import { countCandidate, type NetworkOptions } from "../src/index.ts";
import type { ComparisonRow, ComparisonTraining } from "../src/model/compare.ts";
import { openFashionMnist } from "../src/node.ts";
import { preprocessingFor, type Recipe, recipe, splitDataset } from "../src/train.ts";

/** Side of the images, pixels. */
export const SIZE = 28;
/** What all are built for. */
export const PLACE = { size: SIZE, channels: 1, classes: 10 } as const;
const [LEAST_PARAMS, MOST_PARAMS] = [80_000, 150_000];
/** Draws weights, batches and the validation part. */
export const SEED = 1;

/** The network that stands for a family or design, and what it needs beside a width. */
export interface Entry {
  readonly label: string;
  readonly network: string;
  readonly options?: NetworkOptions;
}

/** All of them. */
export const entries: readonly Entry[] = [
  { label: "VanillaConv", network: "vanilla-compact" },
  { label: "ResNet-20", network: "resnet-20" },
  { label: "SqueezeNet 1.1", network: "squeezenet-1.1" },
  { label: "SqueezeNext-23v5", network: "squeezenext-23v5" },
  { label: "MobileNetV1", network: "mobilenet-v1" },
  { label: "MobileNetV2", network: "mobilenet-v2" },
  { label: "MobileNetV3-Small", network: "mobilenet-v3-small" },
  { label: "ShuffleNetV1 g=3", network: "shufflenet-v1-g3" },
  { label: "ShuffleNetV2", network: "shufflenet-v2" },
  { label: "IGCV1", network: "igcv1-plain" },
  { label: "IGCV2", network: "vanilla-compact", options: { conv: "igcv2" } },
  { label: "IGCV3", network: "igcv3" },
  { label: "ChannelNet-v3", network: "channelnet-v3" },
  { label: "EfficientNet-B0", network: "efficientnet-b0" },
  { label: "EfficientNetV2-B0", network: "efficientnet-v2-b0" },
  { label: "GhostNet", network: "ghostnet" },
  { label: "MicroNet-M0", network: "micronet-m0" },
  { label: "CompConv", network: "vanilla-compact", options: { conv: "compconv" } },
  { label: "AdderNet", network: "vanilla-compact", options: { arithmetic: "adder" } },
  { label: "Mitchell", network: "vanilla-compact", options: { arithmetic: "mitchell" } },
];

/** The narrowest of a grid of widths with 80,000 to 150,000 parameters; else the one nearest to that range. */
export function fitted({ label, network, options = {} }: Entry): ComparisonRow {
  let best: { row: ComparisonRow; distance: number } | undefined;
  for (let step = 1; step <= 60 && best?.distance !== 0; step++) {
    let row: ComparisonRow;
    try {
      row = countCandidate({ label, network, options: { ...options, width: step / 20, isSmallImage: true } }, PLACE);
    } catch {
      continue; // this width cannot be built
    }
    const distance = Math.max(0, row.params - MOST_PARAMS, LEAST_PARAMS - row.params);
    if (!best || distance < best.distance) best = { row, distance };
  }
  if (!best) throw new Error(`${label}: no width can be built for ${SIZE}×${SIZE}×1`);
  return best.row;
}

/**
 * One recipe for all: adaptive steps and a bound on the gradient, since SqueezeNet, which has no normalisation, does not survive the rate that suits
 * the others with momentum.
 */
export function zooRecipe(epochs: number): Recipe {
  return recipe("small", {
    ...{ epochs, batch: 32, learningRate: 0.004, weightDecay: 0.05, clip: 5 },
    optimiser: { kind: "adamw", beta1: 0.9, beta2: 0.999, eps: 1e-8 },
  });
}

/** The images, the recipe and the seed of a training; tells how it goes on stderr. */
export async function zooTraining(label: string, rules: Recipe, threads: number): Promise<ComparisonTraining> {
  const data = await openFashionMnist({ part: "full" });
  return {
    ...{ data, recipe: rules, seed: SEED, threads },
    parts: splitDataset(data, { validation: 0.05, seed: SEED }),
    preprocessing: preprocessingFor({ size: SIZE, channels: 1, fit: "crop" }),
    onProgress({ phase, epoch, step, accuracy, imagesPerSecond }) {
      if (phase === "training" && step % 400 === 0)
        console.error(`${label} epoch ${epoch} step ${step}: ${accuracy.toFixed(4)}, ${imagesPerSecond.toFixed(0)} images/s`);
    },
  };
}
