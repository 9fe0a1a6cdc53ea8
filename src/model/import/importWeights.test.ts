import assert from "node:assert/strict";
import { test } from "node:test";
import { FormatError, OptionError } from "../../core/errors.ts";
import { size } from "../../core/shape.ts";
import type { Tensor } from "../../core/tensor.ts";
import { loadModel, saveModel } from "../model.ts";
import { importWeights, type TensorRow } from "./importWeights.ts";
import { candidateOf } from "./recognise.ts";
import { type Source, sources } from "./sources.ts";
import { readTimmConfig } from "./timmConfig.ts";

const find = (from: string, network: string): Source => sources.find((each) => each.from === from && each.network === network) as Source;

/** Weights of a source's network: each tensor filled with numbers of its own. */
function weightsOf(source: Source, classes?: number, width = source.widths[0]): Map<string, Tensor> {
  const { needed } = candidateOf(source, width, {}, classes);
  let seed = 0;
  return new Map(
    [...needed].map(([name, { shape }]) => {
      const first = seed++ % 97;
      return [name, { shape, data: Float32Array.from({ length: size(shape) }, (_, i) => (first + i + 1) / 1000) }];
    }),
  );
}

const shuffle = find("torchvision", "shufflenet-v2");
const fates = (rows: readonly TensorRow[]): string[] =>
  rows.filter(({ fate }) => fate !== "matched").map(({ name, fate }) => `${fate} ${name}`);

test("the width follows from the shapes, and the model file holds what was imported", async () => {
  const { model, options, classesInFile } = importWeights(weightsOf(shuffle, undefined, 0.5));
  assert.deepEqual([options, classesInFile], [{ variant: "torchvision", width: 0.5 }, 1000]);
  assert(model);
  const again = await loadModel(await saveModel(model));
  assert.deepEqual(again.weights.get("conv1.0.weight"), model.weights.get("conv1.0.weight"));
  assert.deepEqual(again.preprocessing, {
    size: 224,
    channels: 3,
    fit: "crop",
    share: 0.875,
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
  });
  assert.equal(again.labels[999], "class 999");
});

test("weights of seven classes give a model of seven, labels are checked against it", () => {
  const weights = weightsOf(shuffle, 7);
  assert.equal(importWeights(weights).model?.labels.length, 7);
  assert.deepEqual(importWeights(weights, { labels: [..."abcdefg"] }).model?.labels, [..."abcdefg"]);
  assert.throws(() => importWeights(weights, { labels: ["a"], classes: 7 }), /1 labels for 7 classes; it needs one label for each/);
});

test("another number of classes keeps the backbone and starts a new classifier, the same for the same seed", () => {
  const weights = weightsOf(shuffle);
  const { model, rows } = importWeights(weights, { classes: 4 });
  assert.deepEqual(fates(rows), ["new fc.weight", "new fc.bias"]);
  assert.deepEqual(model?.weights.get("fc.weight")?.shape, [4, 1024]);
  assert.equal(model?.weights.get("conv5.0.weight")?.data, weights.get("conv5.0.weight")?.data);
  assert.deepEqual(importWeights(weights, { classes: 4 }).model?.weights, model?.weights);
  assert.notDeepEqual(importWeights(weights, { classes: 4, seed: 1 }).model?.weights.get("fc.weight"), model?.weights.get("fc.weight"));
});

test("a backbone without its classifier needs to be told the classes", () => {
  const weights = weightsOf(shuffle);
  for (const name of ["fc.weight", "fc.bias"]) weights.delete(name);
  const { model, rows } = importWeights(weights);
  assert.deepEqual([model, fates(rows)], [undefined, ["missing fc.weight", "missing fc.bias"]]);
  assert.equal(importWeights(weights, { classes: 3 }).model?.labels.length, 3);
});

test("a partial load is refused unless asked; every tensor has its fate", () => {
  const weights = weightsOf(shuffle);
  weights.delete("conv1.0.weight");
  weights.set("conv1.1.bias", { shape: [3], data: new Float32Array(3) });
  weights.set("__proto__", { shape: [1], data: new Float32Array(1) });
  const wrong = ["missing conv1.0.weight", "misshapen conv1.1.bias", "unexpected __proto__"];
  const refused = importWeights(weights);
  assert.deepEqual([refused.model, fates(refused.rows)], [undefined, wrong]);
  const { model, rows } = importWeights(weights, { isPartial: true });
  assert.deepEqual(fates(rows), wrong);
  assert.deepEqual(model?.weights.get("conv1.1.bias")?.data, new Float32Array(24));
  assert.equal(model?.weights.has("__proto__"), false);
});

test("what a wrapper puts in front of every name is taken off; counters of batches may be missing", () => {
  const weights = new Map(
    [...weightsOf(shuffle)].filter(([name]) => !name.endsWith("num_batches_tracked")).map(([name, each]) => [`module.${name}`, each]),
  );
  const { model, rows } = importWeights(weights);
  assert.deepEqual(fates(rows), []);
  assert.equal(model?.weights.get("conv1.1.num_batches_tracked")?.data[0], 0);
});

test("numbers that are not finite are refused by tensor and place", () => {
  const weights = weightsOf(shuffle);
  (weights.get("conv1.0.weight") as Tensor).data[5] = Number.NaN;
  assert.throws(
    () => importWeights(weights, {}, "f"),
    /^FormatError: f: element 5 of "conv1.0.weight" is NaN; a model's weights need to be finite/,
  );
});

test("where blue comes first, the first filter's channels are turned", () => {
  const source = find("megvii", "shufflenet-v1-g3");
  const weights = weightsOf(source);
  const { model } = importWeights(weights);
  const [theirs, ours] = [weights.get("first_conv.0.weight"), model?.weights.get("features.init_block.conv.weight")];
  assert.deepEqual(ours?.data.subarray(0, 9), theirs?.data.subarray(18, 27));
  assert.deepEqual(ours?.data.subarray(9, 18), theirs?.data.subarray(9, 18));
  assert.deepEqual(model?.preprocessing.std, [1 / 255, 1 / 255, 1 / 255]);
});

test("references of the same names and shapes are told apart by what the file is called, else it must be said", () => {
  const weights = weightsOf(find("timm", "mobilenet-v3-small"));
  assert.throws(
    () => importWeights(weights, {}, "f"),
    (error: Error) => {
      assert(error instanceof OptionError);
      assert.match(
        error.message,
        /^f: names and shapes fit several networks that compute differently; say which is meant:\n {2}--as mobilenet-v3-small --from timm\n {2}--as mobilenet-v3-small --from timm-tf \(paper\)$/,
      );
      return true;
    },
  );
  assert.equal(importWeights(weights, { from: "timm" }).options.normEps, 1e-5);
  const tensorflow = importWeights(weights, { hint: "tf_mobilenetv3_small_100-37f49e2b.pth" });
  assert.deepEqual([tensorflow.from, tensorflow.options.padding], ["timm-tf", "tensorflow"]);
});

test("what is known by no name is refused with the likest network, what is typed wrong with the nearest name", () => {
  const weights = new Map([["encoder.weight", { shape: [1], data: new Float32Array(1) }]]);
  assert.throws(() => importWeights(weights, {}, "f"), /belong to no network that is known; first found is "encoder.weight"/);
  assert.throws(() => importWeights(weights, {}, "f"), FormatError);
  assert.throws(() => importWeights(weights, { from: "timn" }), /unknown source "timn"; did you mean "timm"\?/);
  assert.throws(() => importWeights(weights, { network: "mobilnet-v2" }), /did you mean "mobilenet-v2"\?/);
  assert.throws(
    () => importWeights(weights, { network: "ghostnet", from: "megvii" }),
    /megvii has no weights for ghostnet; known are timm, megvii, noah/,
  );
  assert.throws(() => importWeights(weights, { from: "goldcrest" }), /need the network's name, too \(--as\)/);
});

test("a record of timm's says how images are prepared; anything odd in it is left out", () => {
  const record = {
    architecture: "tf_x",
    pretrained_cfg: { input_size: [3, 192, 192], test_input_size: [3, 224, 224], mean: [0.5, 0.5, 0.5], crop_pct: 7 },
  };
  assert.deepEqual(readTimmConfig(JSON.stringify(record), "c"), { architecture: "tf_x", pixels: { size: 224, mean: [0.5, 0.5, 0.5] } });
  assert.equal(readTimmConfig('{"model_type":"bert"}', "c"), undefined);
  assert.throws(() => readTimmConfig('{"a":1,"a":2}', "c"), FormatError);
});
