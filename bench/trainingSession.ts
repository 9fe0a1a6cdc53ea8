/** The networks of the training comparison, 1,000 classes at 32² (stem of stride 1; no max pool in ShuffleNetV2), and a small one for 28²×1. */

import { wasmBackend } from "../src/backends/wasm/index.ts";
import { convNormActivation, depthwiseSeparable, fullyConnected, pooledFeatures } from "../src/blocks/index.ts";
import { random } from "../src/core/random.ts";
import type { Session } from "../src/engine/session.ts";
import type { Value } from "../src/ir/graph.ts";
import type { Scope } from "../src/ir/scope.ts";
import { findNetwork, resolveOptions } from "../src/networks/index.ts";
import { optimiseTraining } from "../src/passes/index.ts";
import { recipe } from "../src/train/recipe.ts";
import { type Builder, startingWeights, trainingGraph } from "../src/train/trainingGraph.ts";

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

/** A session that does one training step (SGD with momentum) on random images per run. */
export async function openTrainingSession(
  { build, size, channels, classes }: TrainingNetwork,
  batch: number,
  threads: number,
): Promise<Session> {
  const plain = recipe("small", { batch, average: 0, smoothing: 0, augmentation: {} });
  const graph = optimiseTraining(trainingGraph({ build, batch, size, channels, classes, recipe: plain }));
  const session = await wasmBackend.open(graph, startingWeights(graph, 0), { threads });
  const { uniform } = random(0, "bench");
  for (const { kind, name = "" } of graph.leaves) {
    if (kind !== "input") continue;
    const { data } = session.view(name);
    for (let i = 0; i < data.length; i++) data[i] = name === "image" ? uniform(i) - 0.5 : name.startsWith("noise.") ? uniform(i) : 0;
  }
  session.view("learningRate").data[0] = 0.001;
  session.view("step").data[0] = 1;
  const target = session.view("target");
  for (let n = 0; n < batch; n++) target.data[n * target.strides[0] + (n % 10)] = 1;
  return session;
}
