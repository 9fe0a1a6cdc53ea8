/**
 * What the families' papers trained with, as recipes for one machine. A row holds the numbers as printed; two are converted. The learning
 * rate follows the batch in proportion (arXiv 1706.02677, section 2.1). Weight decay is printed as part of the gradient, which momentum
 * amplifies and RMSProp divides by about √eps where gradients are small; ours is decoupled, so it is that multiple of the printed one.
 */
import type { Augmentation } from "../data/augment.ts";
import { progressiveStages } from "./progressive.ts";
import type { Optimiser, Recipe } from "./recipe.ts";
import { type Schedule, stretched } from "./schedule.ts";
import type { Stage } from "./stages.ts";

/** A published recipe: where it is printed, its numbers there, and what was changed. */
export interface PublishedRecipe {
  /** How the names of the networks begin that it was printed for; of several recipes the longest beginning counts. */
  readonly networks: readonly string[];
  /** Paper and section, or repository and file. */
  readonly source: string;
  /** What differs from the source, besides batch, learning rate and the form of the weight decay. */
  readonly adapted: readonly string[];
  readonly epochs: number;
  readonly batch: number;
  /** Peak, for `batch`. */
  readonly learningRate: number;
  readonly schedule: Schedule;
  /** Epochs. Default 0. */
  readonly warmUp?: number;
  readonly optimiser: Optimiser;
  /** As part of the gradient. */
  readonly weightDecay: number;
  /** Decay of the moving average of the weights. Default 0 = none. */
  readonly average?: number;
  readonly smoothing?: number;
  readonly dropout?: number;
  readonly augmentation: Augmentation;
  readonly stages?: readonly Stage[];
}

/** Images in a step on one machine, where a paper has more. */
const MOST_BATCH = 64;

const momentum: Optimiser = { kind: "sgd", momentum: 0.9, isNesterov: false };
const nesterov: Optimiser = { kind: "sgd", momentum: 0.9, isNesterov: true };

/** TensorFlow's, with the numbers of the authors' code; eps is inside the root. */
function rmsprop(eps: number): Optimiser {
  return { kind: "rmsprop", decay: 0.9, eps, momentum: 0.9 };
}

/** Inception's crop and a mirror: what ImageNet is trained with unless a paper says otherwise. */
const inceptionCrop: Augmentation = { area: [0.08, 1], isFlipped: true };
/** CIFAR's: shifts by up to 4 pixels and a mirror. */
const shifts: Augmentation = { pad: 4, isFlipped: true };

const shuffleNet = {
  epochs: 240,
  batch: 1024,
  learningRate: 0.5,
  schedule: { kind: "linear" },
  optimiser: momentum,
  weightDecay: 4e-5,
  // The colours of the authors' code; the paper tells of weaker scaling without a number.
  augmentation: { ...inceptionCrop, jitter: 0.4 },
} as const;

const efficientNet = {
  epochs: 350,
  batch: 4096,
  learningRate: 0.256,
  schedule: { kind: "step", epochs: 2.4, factor: 0.97 },
  warmUp: 5,
  optimiser: rmsprop(1e-3),
  weightDecay: 1e-5,
  average: 0.9999,
  smoothing: 0.1,
} as const;

/** Magnitudes of `stages` take the place of this one. */
const efficientNetV2 = { ...efficientNet, augmentation: { ...inceptionCrop, randAugment: { operations: 2, magnitude: 5 } } } as const;

const sizesOfPaper = "sizes in proportion to those of the data; the paper evaluates at a larger size than it trains at";
const shiftsForCrops = "shifts by up to 4 pixels and a mirror for crops of 227 pixels out of a larger image";
const noCutMix = "without CutMix, which mixes half of each batch there";

const microNet = {
  source: "liyunsheng13/micronet, script/train_micronet_*.sh and utils/dataloaders.py",
  adapted: [],
  epochs: 600,
  batch: 512,
  learningRate: 0.2,
  schedule: { kind: "cosine" },
  optimiser: momentum,
  augmentation: inceptionCrop,
} as const;

/** Every published recipe by name. */
export const publishedRecipes = {
  squeezenet: {
    networks: ["squeezenet-"],
    source: "forresti/SqueezeNet, SqueezeNet_v1.0/solver.prototxt",
    adapted: ["170,000 steps of 512 images are 68 epochs of ImageNet", shiftsForCrops],
    ...{ epochs: 68, batch: 512, learningRate: 0.04, schedule: { kind: "poly", power: 1 } },
    ...{ optimiser: momentum, weightDecay: 2e-4, augmentation: shifts },
  },
  squeezenext: {
    networks: ["squeezenext-"],
    source: "amirgholami/SqueezeNext, 1.0-SqNxt-23v5/solver.prototxt",
    adapted: [
      "150,136 steps of 1024 images are 120 epochs of ImageNet; the warm-up of 780 steps, 0.6 epochs, begins at 0 instead of a quarter",
      shiftsForCrops,
    ],
    ...{ epochs: 120, batch: 1024, learningRate: 0.4, schedule: { kind: "poly", power: 2 }, warmUp: 0.6 },
    ...{ optimiser: momentum, weightDecay: 1e-4, augmentation: shifts },
  },
  "mobilenet-v1": {
    networks: ["mobilenet-v1"],
    source:
      "tensorflow/models, research/slim/nets/mobilenet_v1_train.py; RMSProp as arXiv 1704.04861, section 3.2, takes it from 1512.00567",
    adapted: [
      "neither tells the epochs: Inception's 100",
      "depthwise weights decay like the others; the paper has little or none for them",
    ],
    ...{ epochs: 100, batch: 64, learningRate: 0.045, schedule: { kind: "step", epochs: 2.5, factor: 0.94 } },
    ...{ optimiser: { kind: "rmsprop", decay: 0.9, eps: 1, momentum: 0 }, weightDecay: 4e-5, augmentation: inceptionCrop },
  },
  "mobilenet-v2": {
    networks: ["mobilenet-v2"],
    source: "arXiv 1801.04381, section 6.1; smoothing, average and length of tensorflow/models, research/slim/nets/mobilenet/README.md",
    adapted: ["5.5 million steps of 96 images are 412 epochs of ImageNet", "one worker instead of 16 asynchronous ones"],
    ...{ epochs: 412, batch: 96, learningRate: 0.045, schedule: { kind: "step", epochs: 1, factor: 0.98 } },
    ...{ optimiser: rmsprop(1), weightDecay: 4e-5, average: 0.9999, smoothing: 0.1, augmentation: inceptionCrop },
  },
  "mobilenet-v3": {
    networks: ["mobilenet-v3"],
    source: "arXiv 1905.02244, section 6.1.1",
    adapted: [
      "a decay rate of 0.01 every 3 epochs is read as the factor 0.99",
      "a dropout of 0.8 is read as what is kept",
      "the paper tells neither epochs nor eps: torchvision's 600, and 0.001",
    ],
    ...{ epochs: 600, batch: 4096, learningRate: 0.1, schedule: { kind: "step", epochs: 3, factor: 0.99 } },
    ...{ optimiser: rmsprop(1e-3), weightDecay: 1e-5, average: 0.9999, dropout: 0.2, augmentation: inceptionCrop },
  },
  "shufflenet-v1": {
    networks: ["shufflenet-v1"],
    source: "arXiv 1707.01083, section 4; megvii-model/ShuffleNet-Series, ShuffleNetV1/train.py",
    adapted: ["300,000 steps of 1024 images are 240 epochs of ImageNet"],
    ...shuffleNet,
  },
  "shufflenet-v2": {
    networks: ["shufflenet-v2"],
    source: "arXiv 1807.11164, section 4; megvii-model/ShuffleNet-Series, ShuffleNetV2/train.py",
    adapted: ["300,000 steps of 1024 images are 240 epochs of ImageNet"],
    ...{ ...shuffleNet, smoothing: 0.1 },
  },
  igcv1: {
    networks: ["igcv1-plain", "igcv1-residual"],
    source: "hellozting/InterleavedGroupConvolutions, options.py and train_model.py: CIFAR",
    adapted: [],
    ...{ epochs: 400, batch: 64, learningRate: 0.1, schedule: { kind: "milestones", epochs: [200, 300, 350], factor: 0.1 } },
    ...{ optimiser: nesterov, weightDecay: 1e-4, augmentation: shifts },
  },
  igcv3: {
    networks: ["igcv3"],
    source: "homles11/IGCV3, train_imagenet.py",
    adapted: ["Inception's crop and a mirror for the strongest augmentation of MXNet's examples"],
    ...{ epochs: 480, batch: 96, learningRate: 0.045, schedule: { kind: "step", epochs: 1, factor: 0.98 } },
    ...{ optimiser: momentum, weightDecay: 4e-5, augmentation: inceptionCrop },
  },
  channelnet: {
    networks: ["channelnet-"],
    source: "HongyangGao/ChannelNets, tensor_net.py; the published training: Nesterov's momentum, batch 512",
    adapted: ["a dropout of 0.0001 on every convolution is left out"],
    ...{ epochs: 80, batch: 512, learningRate: 0.1, schedule: { kind: "milestones", epochs: [45, 60, 65, 70, 75], factor: 0.1 } },
    ...{ optimiser: nesterov, weightDecay: 4e-5, augmentation: { ...inceptionCrop, jitter: 0.4 } },
  },
  efficientnet: {
    networks: ["efficientnet-b"],
    source: "arXiv 1905.11946, section 5.2; google/automl, efficientnetv2/hparams.py",
    adapted: ["RandAugment of two operations, magnitude 9, for AutoAugment", "dropout and stochastic depth are each network's own"],
    ...{ ...efficientNet, augmentation: { ...inceptionCrop, randAugment: { operations: 2, magnitude: 9 } } },
  },
  "efficientnet-v2-s": {
    networks: ["efficientnet-v2"],
    source: "arXiv 2104.00298, section 4.2 and table 6",
    adapted: [sizesOfPaper, "serves B0 to B3 too, which were trained on smaller images with AutoAugment"],
    ...{ ...efficientNetV2, stages: progressiveStages("s", "paper") },
  },
  "efficientnet-v2-m": {
    networks: ["efficientnet-v2-m"],
    source: "arXiv 2104.00298, section 4.2 and table 6",
    adapted: [sizesOfPaper],
    ...{ ...efficientNetV2, stages: progressiveStages("m", "paper") },
  },
  "efficientnet-v2-l": {
    networks: ["efficientnet-v2-l"],
    source: "arXiv 2104.00298, section 4.2 and table 6; mixup of google/automl, efficientnetv2/effnetv2_configs.py",
    adapted: [sizesOfPaper],
    ...{ ...efficientNetV2, stages: progressiveStages("l", "paper") },
  },
  "efficientnet-v2-s-released": {
    networks: [],
    source: "google/automl, efficientnetv2/main.py, hparams.py and effnetv2_configs.py",
    adapted: [sizesOfPaper],
    ...{ ...efficientNetV2, stages: progressiveStages("s", "released") },
  },
  "efficientnet-v2-m-released": {
    networks: [],
    source: "google/automl, efficientnetv2/main.py, hparams.py and effnetv2_configs.py",
    adapted: [sizesOfPaper, noCutMix],
    ...{ ...efficientNetV2, stages: progressiveStages("m", "released") },
  },
  "efficientnet-v2-l-released": {
    networks: [],
    source: "google/automl, efficientnetv2/main.py, hparams.py and effnetv2_configs.py",
    adapted: [sizesOfPaper, noCutMix],
    ...{ ...efficientNetV2, stages: progressiveStages("l", "released") },
  },
  ghostnet: {
    networks: ["ghostnet"],
    source: "arXiv 1911.11907, section 4.2: ShuffleNet's settings but for a learning rate of 0.4",
    adapted: ["cosine, warm-up of 5 epochs and 400 epochs as the authors tell in their repository"],
    ...{ ...shuffleNet, epochs: 400, learningRate: 0.4, schedule: { kind: "cosine" }, warmUp: 5, smoothing: 0.1 },
  },
  micronet: { networks: ["micronet"], ...microNet, weightDecay: 3e-5 },
  "micronet-m3": { networks: ["micronet-m3"], ...microNet, weightDecay: 4e-5, warmUp: 5 },
  addernet: {
    networks: ["addernet", "adder-"],
    source: "huawei-noah/AdderNet, main.py: CIFAR",
    adapted: ["the learning rate falls with every step instead of every epoch"],
    ...{ epochs: 400, batch: 256, learningRate: 0.1, schedule: { kind: "cosine" }, optimiser: momentum, weightDecay: 5e-4 },
    augmentation: shifts,
  },
} satisfies Record<string, PublishedRecipe>;

/** What a weight decay that is part of the gradient comes to where it is decoupled. */
function decoupledDecay(decay: number, optimiser: Optimiser): number {
  if (optimiser.kind === "adamw") return decay;
  const root = optimiser.kind === "rmsprop" ? Math.sqrt(optimiser.eps) : 1;
  return Number((decay / (1 - optimiser.momentum) / root).toPrecision(6));
}

/**
 * A published recipe for a length and a batch, by default its own length and at most 64 images. What it counts in epochs keeps its share of
 * the whole; the learning rate follows the batch.
 */
export function published(row: PublishedRecipe, { epochs = row.epochs, batch = Math.min(row.batch, MOST_BATCH) } = {}): Recipe {
  const { networks: _, source: __, adapted: ___, warmUp = 0, average = 0, smoothing = 0, ...rest } = row;
  const factor = epochs / row.epochs;
  return {
    ...rest,
    ...{ accumulate: 1, clip: 0, classWeights: "none", average, smoothing, epochs, batch },
    learningRate: (row.learningRate * batch) / row.batch,
    schedule: stretched(row.schedule, factor),
    warmUp: warmUp * factor,
    weightDecay: decoupledDecay(row.weightDecay, row.optimiser),
  };
}

/** The name of the recipe that was published for a network; undefined where there is none. */
export function publishedFor(network: string): string | undefined {
  const fits = Object.entries<PublishedRecipe>(publishedRecipes).flatMap(([name, { networks }]) =>
    networks.filter((beginning) => network.startsWith(beginning)).map((beginning) => ({ name, length: beginning.length })),
  );
  return fits.reduce((best, fit) => (fit.length > best.length ? fit : best), { name: "", length: 0 }).name || undefined;
}
