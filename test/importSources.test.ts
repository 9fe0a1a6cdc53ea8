/** Weights of every reference, as the recipe of the golden fixtures gives them, written as each kind of file and imported: the logits are the reference's. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { wasmBackend } from "../src/backends/wasm/index.ts";
import type { Tensor } from "../src/core/tensor.ts";
import { serialiseSafetensors } from "../src/formats/safetensors.ts";
import { readWeightFile } from "../src/formats/weights/weightFile.ts";
import { type ImportOptions, importWeights } from "../src/model/import/importWeights.ts";
import type { Model } from "../src/model/model.ts";
import { buildNetwork } from "../src/networks/index.ts";
import { optimise } from "../src/passes/index.ts";
import { expectNear, tolerancesOf } from "./goldens/compare.ts";
import { type Drawn, draw, drawState, type Recipe, type StateEntry, stateChecksum } from "./goldens/recipe.ts";
import { savez, torchSave } from "./lib/torchWriter.ts";

interface Fixture {
  readonly input: Drawn;
  readonly recipe: Recipe;
  readonly state: readonly StateEntry[];
  readonly state_crc32: string;
  readonly logits: readonly number[];
}

/** By fixture: the network that is recognised, how it is prepared, and what has to be said where names and shapes leave it open. */
const expected: Readonly<Record<string, { network: string; from: string; size: number; known?: ImportOptions }>> = {
  tv_mobilenet_v2: { network: "mobilenet-v2", from: "torchvision", size: 224 },
  tv_mobilenet_v3_large: { network: "mobilenet-v3-large", from: "torchvision", size: 224 },
  tv_mobilenet_v3_small: { network: "mobilenet-v3-small", from: "torchvision", size: 224 },
  tv_shufflenet_v2_x0_5: { network: "shufflenet-v2", from: "torchvision", size: 224 },
  tv_shufflenet_v2_x1_0: { network: "shufflenet-v2", from: "torchvision", size: 224 },
  tv_squeezenet1_0: { network: "squeezenet-1.0", from: "torchvision", size: 224 },
  tv_squeezenet1_1: { network: "squeezenet-1.1", from: "torchvision", size: 224 },
  timm_ghostnet_100: { network: "ghostnet", from: "timm", size: 224 },
  timm_mobilenetv1_100: { network: "mobilenet-v1", from: "timm", size: 256 },
  timm_mobilenetv2_100: { network: "mobilenet-v2", from: "timm", size: 224 },
  timm_mobilenetv3_small_100: {
    network: "mobilenet-v3-small",
    from: "timm",
    size: 224,
    known: { hint: "mobilenetv3_small_100_lamb-266a294c.pth" },
  },
  timm_efficientnet_b0: { network: "efficientnet-b0", from: "timm", size: 224, known: { hint: "efficientnet_b0_ra-3dd342df.pth" } },
  timm_tf_efficientnet_b0: { network: "efficientnet-b0", from: "timm-tf", size: 224, known: { hint: "tf_efficientnet_b0-0af12548.pth" } },
  timm_tf_efficientnetv2_b0: { network: "efficientnet-v2-b0", from: "timm-tf", size: 224 },
  timm_tf_mobilenetv3_large_100: { network: "mobilenet-v3-large", from: "timm-tf", size: 224, known: { from: "timm-tf" } },
  timm_tf_mobilenetv3_small_minimal_100: { network: "mobilenet-v3-small", from: "timm-tf", size: 224 },
  pcv_mobilenet_w1: { network: "mobilenet-v1", from: "pytorchcv", size: 224 },
  pcv_mobilenet_wd2: { network: "mobilenet-v1", from: "pytorchcv", size: 224 },
  pcv_shufflenet_g8_w1: { network: "shufflenet-v1-g8", from: "pytorchcv", size: 224 },
  pytorchcv_squeezenet_v1_1: { network: "squeezenet-1.1", from: "pytorchcv", size: 224 },
  pytorchcv_igcv3_w1: { network: "igcv3", from: "pytorchcv", size: 224 },
  pytorchcv_efficientnet_b0: { network: "efficientnet-b0", from: "pytorchcv", size: 224, known: { from: "pytorchcv" } },
  pytorchcv_efficientnet_b0b: { network: "efficientnet-b0", from: "pytorchcv-tf", size: 224, known: { hint: "efficientnet_b0b-0752.pth" } },
  pytorchcv_resnet20_cifar10: { network: "resnet-20", from: "pytorchcv", size: 32 },
  "megvii_shufflenetv1_g3_1.0x": { network: "shufflenet-v1-g3", from: "megvii", size: 224 },
  "megvii_shufflenetv2_0.5x": { network: "shufflenet-v2", from: "megvii", size: 224 },
  caffe_sqnxt23v5_w1: { network: "squeezenext-23v5", from: "caffe", size: 227 },
  caffe_squeezenet1_1: { network: "squeezenet-1.1", from: "caffe", size: 227 },
  adder_resnet20: { network: "addernet-resnet-20", from: "noah", size: 32 },
  micronet_m0: { network: "micronet-m0", from: "micronet", size: 224 },
  channelnet_v3: { network: "channelnet-v3", from: "goldcrest", size: 224, known: { network: "channelnet-v3", from: "goldcrest" } },
};

const folder = new URL("goldens/fixtures/", import.meta.url).pathname;
const files = globSync(["networks/*.json", "references/*.json"], { cwd: folder }).sort();

const writers: readonly ((tensors: ReadonlyMap<string, Tensor>) => Uint8Array)[] = [
  (tensors) => serialiseSafetensors(tensors),
  (tensors) => torchSave(tensors),
  (tensors) => savez(tensors),
];

function stateOf({ state, recipe, state_crc32 }: Fixture): Map<string, Tensor> {
  const tensors = state.map((entry) => drawState(entry, recipe));
  assert.equal(stateChecksum(state, tensors), state_crc32);
  return new Map(state.map(([name], i) => [name, tensors[i]]));
}

/** Blue and red of an image change places, where the reference takes them in the other order. */
function asReference({ shape, data }: Tensor, isReversed: boolean): Tensor {
  if (!isReversed) return { shape, data };
  const area = shape[2] * shape[3];
  return { shape, data: Float32Array.from(data, (_, i) => data[(2 - Math.floor(i / area)) * area + (i % area)]) };
}

async function logitsOf({ network, options, labels, weights }: Model, image: Tensor): Promise<Float32Array> {
  const [, , height, width] = image.shape;
  const graph = buildNetwork(network, { ...options, classes: labels.length, size: [height, width] });
  const optimised = optimise(graph, weights);
  using session = await wasmBackend.open(optimised.graph, optimised.weights);
  return (await session.run({ image })).logits.data as Float32Array;
}

const isBgr = new Set(["megvii", "caffe"]);

test("every fixture has its place here, but for one that no code was published for", () => {
  assert.deepEqual(
    files.map((file) => basename(file, ".json")).filter((id) => !(id in expected)),
    ["compconv_resnet20_c10"],
  );
});

for (const [i, [id, { network, from, size, known }]] of Object.entries(expected).entries()) {
  test(`${id}: its weights are recognised and give the reference's logits`, async () => {
    const file = files.find((each) => basename(each, ".json") === id) as string;
    const fixture: Fixture = JSON.parse(readFileSync(join(folder, file), "utf8"));
    const written = writers[i % writers.length](stateOf(fixture));
    const { tensors } = await readWeightFile(written, id);
    const { model, rows, ...found } = importWeights(tensors, known, id);
    assert.deepEqual([found.network, found.from], [network, from]);
    assert.deepEqual(new Set(rows.map(({ fate }) => fate)), new Set(["matched"]));
    assert.equal(model?.preprocessing.size, size);
    const logits = await logitsOf(model, asReference(draw(fixture.input), isBgr.has(from)));
    expectNear("logits", logits, fixture.logits, { tolerance: tolerancesOf.wasm.logits });
  });
}
