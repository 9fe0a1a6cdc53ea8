import { type NameMap, type NamePair, nameMap } from "./nameMap.ts";

/** Our layer numbers of fire2 … fire9 in SqueezeNet 1.1. */
const fires = [3, 4, 6, 7, 9, 10, 11, 12];

function squeezenet(): NameMap {
  const pairs: NamePair[] = [
    ["features.0", "conv1"],
    ["features.1", "relu_conv1"],
    ["features.2", "pool1"],
    ["features.5", "pool3"],
    ["features.8", "pool5"],
    ["classifier.1", "conv10"],
    ["classifier.2", "relu_conv10"],
    ["classifier.3", "pool10"],
  ];
  for (const [i, index] of fires.entries()) {
    const [ours, theirs] = [`features.${index}`, `fire${i + 2}`];
    pairs.push([ours, `${theirs}/concat`], [`${ours}.squeeze`, `${theirs}/squeeze1x1`]);
    pairs.push([`${ours}.expand1x1`, `${theirs}/expand1x1`], [`${ours}.expand3x3`, `${theirs}/expand3x3`]);
  }
  return nameMap("caffe", pairs);
}

/** Layer names of the released Caffe files. */
export const caffe: Readonly<Record<string, NameMap>> = { "squeezenet-1.1": squeezenet() };
