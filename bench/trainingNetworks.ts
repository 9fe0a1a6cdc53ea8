/** The networks of the training comparison, 1,000 classes at 32² (stem of stride 1; no max pool in ShuffleNetV2), and a small one for 28²×1. */
import { convNormActivation, depthwiseSeparable, fullyConnected, pooledFeatures } from "../src/blocks/index.ts";
import type { Value } from "../src/ir/graph.ts";
import type { Scope } from "../src/ir/scope.ts";
import { findNetwork, resolveOptions } from "../src/networks/index.ts";
import type { Builder } from "../src/train/trainingGraph.ts";

/** One network of the comparison; `peer` is its name in the PyTorch script. */
export interface TrainingNetwork {
  readonly name: string;
  readonly size: number;
  readonly channels: number;
  readonly classes: number;
  readonly build: Builder;
}

function fromZoo(name: string, droppedStrides: number, variant?: string): TrainingNetwork {
  const network = findNetwork(name);
  const build: Builder = (g, image, { classes }) =>
    network.build(g, image, resolveOptions(network, { classes, droppedStrides, ...(variant ? { variant } : {}) }, 32));
  return { name, size: 32, channels: 3, classes: 1000, build };
}

function fashionNet(g: Scope, image: Value, { classes }: { classes: number }): Value {
  let x = convNormActivation(g.scope("stem"), image, { out: 16, kernel: 3 });
  for (const [i, [out, stride]] of [
    [16, 1],
    [32, 2],
    [64, 2],
    [64, 1],
  ].entries())
    x = depthwiseSeparable(g.scope(`blocks.${i}`), x, { out, stride });
  return fullyConnected(g.scope("classifier"), pooledFeatures(g.scope("pool"), x), { out: classes });
}

export const trainingNetworks: readonly TrainingNetwork[] = [
  { name: "fashion-net", size: 28, channels: 1, classes: 10, build: fashionNet },
  fromZoo("mobilenet-v2", 1),
  fromZoo("mobilenet-v3-small", 1, "torchvision"),
  fromZoo("shufflenet-v2", 2, "torchvision"),
];
