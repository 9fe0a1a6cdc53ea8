/** A task for tests: grey pictures of 8² pixels, one corner brighter, and a network of a few hundred weights that learns them quickly. */
import { random } from "../core/random.ts";
import type { Dataset } from "../data/dataset.ts";
import { preprocessingFor } from "../data/preprocessing.ts";
import { prepare } from "../data/resize.ts";
import { type Parts, splitDataset } from "../data/split.ts";
import type { Value } from "../ir/graph.ts";
import type { Scope } from "../ir/scope.ts";
import { batchNorm } from "../ops/batchNorm.ts";
import { batchNormTrain } from "../ops/batchNormTrain.ts";
import { conv2d } from "../ops/conv2d.ts";
import { dropout } from "../ops/dropout.ts";
import { globalAveragePool } from "../ops/globalAveragePool.ts";
import { linear } from "../ops/linear.ts";
import { relu } from "../ops/relu.ts";
import { reshape } from "../ops/reshape.ts";
import type { FitOptions } from "./fit.ts";
import { type Recipe, recipe } from "./recipe.ts";
import type { BuildOptions } from "./trainingGraph.ts";

const SIZE = 8;

/** `count` pictures of 4 labels. */
export function tinyData(count: number): Dataset {
  const images = Array.from({ length: count }, (_, index) => {
    const { integer } = random(7, "tiny", index);
    const label = index % 4;
    const isBright = (i: number): boolean => Math.floor(i / SIZE) >> 2 === label >> 1 && (i % SIZE) >> 2 === (label & 1);
    const data = Uint8Array.from({ length: SIZE * SIZE }, (_, i) => (isBright(i) ? 120 : 30) + integer(i, 100));
    return { width: SIZE, height: SIZE, channels: 1 as const, data };
  });
  return {
    name: `tiny ${count}`,
    labels: ["top left", "top right", "bottom left", "bottom right"],
    count,
    channels: 1,
    nativeSize: SIZE,
    problems: [],
    warnings: [],
    labelOf: (index) => index % 4,
    nameOf: (index) => `tiny ${index}`,
    pixels: (index, rule) => prepare(images[index], rule),
    fingerprint: async () => `tiny ${count}`,
    close: async () => undefined,
  };
}

function normalise(g: Scope, x: Value): Value {
  const shape = [x.shape[1]];
  const leaf = (name: string, value: number): Value => g.parameter(name, shape, { kind: "constant", value });
  const stored = (name: string, value: number, of = shape): Value => g.state(name, of, { kind: "constant", value });
  const inputs = [x, leaf("weight", 1), leaf("bias", 0), stored("running_mean", 0), stored("running_var", 1)];
  const count = stored("num_batches_tracked", 0, []);
  if (!g.isTraining) return batchNorm(g, inputs, { eps: 1e-5 });
  const [y, , , mean, variance, newCount] = batchNormTrain.all(g, [...inputs, count], { eps: 1e-5, momentum: 0.1 });
  for (const [target, source] of [[inputs[3], mean] as const, [inputs[4], variance] as const, [count, newCount] as const])
    g.update(target, source);
  return y;
}

/** Convolution, normalisation unless `hasNorm` is false, ReLU, dropout, and a linear layer over what is left of the places. */
export function tinyBuilder({ hasNorm = true } = {}): (g: Scope, image: Value, options: BuildOptions) => Value {
  return (g, image, { classes, dropout: rate = 0 }) => {
    const [n] = image.shape;
    const at = g.scope("features");
    const weight = at.parameter("weight", [6, 1, 3, 3], { kind: "normal", std: 0.3 });
    let y = conv2d(at, [image, weight], { stride: [2, 2], padding: [1, 1, 1, 1], groups: 1, similarity: "product" });
    if (hasNorm) y = normalise(g.scope("norm"), y);
    y = relu(g.scope("relu"), [y], {});
    const second = g.scope("second").parameter("weight", [8, 6, 4, 4], { kind: "normal", std: 0.15 });
    y = conv2d(g.scope("second"), [y, second], { stride: [4, 4], padding: [0, 0, 0, 0], groups: 1, similarity: "product" });
    y = reshape(g.scope("flat"), [globalAveragePool(g.scope("flat"), [y], {})], { shape: [n, 8] });
    if (g.isTraining && rate > 0) y = dropout(g.scope("drop"), [y, g.input("noise.drop", y.shape)], { rate });
    const head = g.scope("head");
    const matrix = head.parameter("weight", [classes, 8], { kind: "normal", std: 0.1 });
    return linear(head, [y, matrix, head.parameter("bias", [classes], { kind: "constant", value: 0 })], {});
  };
}

/** A short recipe that uses everything: dropout, averaging, smoothing, clipping, augmentation, class weights. */
export function tinyRecipe(changes: Partial<Recipe> = {}): Recipe {
  return recipe("small", {
    ...{ epochs: 3, batch: 8, learningRate: 0.05, warmUp: 0.5, clip: 5, average: 0.9, dropout: 0.1, classWeights: "balanced" },
    augmentation: { pad: 1, jitter: 0.1, mixup: 0.1 },
    ...changes,
  });
}

/** Everything that `fit` needs but the backend. */
export function tinyTask(changes: Partial<Recipe> = {}, count = 64): Omit<FitOptions, "backend"> & { readonly parts: Parts } {
  const data = tinyData(count);
  return {
    build: tinyBuilder(),
    network: { name: "tiny" },
    data,
    parts: splitDataset(data, { validation: 0.2, test: 0.1, seed: 1 }),
    preprocessing: preprocessingFor({ size: SIZE, channels: 1, fit: "squash" }),
    recipe: tinyRecipe(changes),
    seed: 3,
  };
}
