import { type NameMap, type NamePair, nameMap } from "./nameMap.ts";

/** Our layer numbers of fire2 … fire9 and of the poolings, the latter by the number of the layer that they follow in Caffe's names. */
const squeezenets = {
  "squeezenet-1.0": { fires: [3, 4, 5, 7, 8, 9, 10, 12], pools: { 1: 2, 4: 6, 8: 11 } },
  "squeezenet-1.1": { fires: [3, 4, 6, 7, 9, 10, 11, 12], pools: { 1: 2, 3: 5, 5: 8 } },
} as const;

function squeezenet({ fires, pools }: (typeof squeezenets)[keyof typeof squeezenets]): NameMap {
  const pairs: NamePair[] = [
    ["features.0", "conv1"],
    ["features.1", "relu_conv1"],
    ["classifier.1", "conv10"],
    ["classifier.2", "relu_conv10"],
    ["classifier.3", "pool10"],
  ];
  for (const [number, index] of Object.entries(pools)) pairs.push([`features.${index}`, `pool${number}`]);
  for (const [i, index] of fires.entries()) {
    const [ours, theirs] = [`features.${index}`, `fire${i + 2}`];
    pairs.push([ours, `${theirs}/concat`], [`${ours}.squeeze`, `${theirs}/squeeze1x1`]);
    pairs.push([`${ours}.expand1x1`, `${theirs}/expand1x1`], [`${ours}.expand3x3`, `${theirs}/expand3x3`]);
  }
  return nameMap("caffe", pairs);
}

/** The names that the last ReLU of each stage has instead of a number. */
const lastOfStage = ["bypass_128_3", "bypass_256_3", "bypass_512_6", "bypass_1024_3"];

/** SqueezeNext: convolutions, normalisations, ReLUs and additions are numbered through, a stage's first 1×1 convolution in front of its branch. */
function squeezenext(blocks: readonly number[]): NameMap {
  const pairs: NamePair[] = [];
  const layer = (ours: string, number: number, relu: string): void => {
    pairs.push([`${ours}.conv`, `Convolution${number}`], [`${ours}.bn`, `BatchNorm${number}`], [ours, relu]);
  };
  let [convolution, relu, addition] = [1, 1, 1];
  layer("stem", convolution++, "conv1");
  pairs.push(["pool", "pool1"]);
  for (const [stage, count] of blocks.entries()) {
    for (let i = 0; i < count; i++) {
      const ours = `stage${stage + 1}.${i}`;
      if (i === 0) layer(`${ours}.shortcut`, convolution++, `ReLU${relu++}`);
      for (let part = 0; part < 5; part++) layer(`${ours}.branch.${part}`, convolution++, `ReLU${relu++}`);
      pairs.push([ours, `Eltwise${addition++}`], [ours, i === count - 1 ? lastOfStage[stage] : `ReLU${relu++}`]);
    }
  }
  layer("tail", convolution, "conv_128");
  pairs.push(["avgpool", "pool5"], ["fc", "fc1000"]);
  return nameMap("caffe", pairs);
}

/** Layer names of the released Caffe files. */
export const caffe: Readonly<Record<string, NameMap>> = {
  "squeezenet-1.0": squeezenet(squeezenets["squeezenet-1.0"]),
  "squeezenet-1.1": squeezenet(squeezenets["squeezenet-1.1"]),
  "squeezenext-23": squeezenext([6, 6, 8, 1]),
  "squeezenext-23v5": squeezenext([2, 4, 14, 1]),
};
