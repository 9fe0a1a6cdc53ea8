import { type NameMap, type NamePair, nameMap, sameNames } from "./nameMap.ts";

/** ShuffleNetV1's names are ours; its first block ends with the pooling, which is a place of its own here. */
const shufflenetV1 = nameMap(
  "pytorchcv",
  [
    ["features", "features"],
    ["output", "output"],
  ],
  { "features.init_block": "features.init_pool" },
);

/** pytorchcv counts stages and units from 1. */
const unitAt = (stage: number, unit: number): string => `features.stage${stage + 1}.unit${unit + 1}`;

/** Pairs of a layer whose two parts are modules of its own there. */
function layer(conv: string, norm: string, theirs: string): NamePair[] {
  return [
    [conv, `${theirs}.conv`],
    [norm, `${theirs}.bn`],
  ];
}

/** SqueezeNet: our indices of the Fire modules, by stage. */
function squeezenet(stages: readonly (readonly number[])[]): NameMap {
  const pairs: NamePair[] = [
    ["features.0", "features.init_block.conv"],
    ["classifier.1", "output.final_conv"],
  ];
  for (const [stage, fires] of stages.entries()) {
    for (const [unit, fire] of fires.entries())
      for (const part of ["squeeze", "expand1x1", "expand3x3"])
        pairs.push([`features.${fire}.${part}`, `${unitAt(stage, unit)}.${part}.conv`]);
  }
  return nameMap("pytorchcv", pairs);
}

/** Units of IGCV3's stages as pytorchcv divides them: a stage ends where the next unit halves the image. */
const stagesOfIgcv3 = [1, 4, 6, 14, 7];

/** IGCV3: the port by xxradon has the modules of a block in one row; channel shuffles and activations have no weights. */
function igcv3(): NameMap {
  const pairs: NamePair[] = [...layer("features.0.0", "features.0.1", "features.init_block"), ["classifier.1", "output"]];
  let block = 1;
  for (const [stage, units] of stagesOfIgcv3.entries()) {
    for (let unit = 0; unit < units; unit++, block++)
      for (const [i, index] of [0, 4, 7].entries()) {
        const ours = `features.${block}.conv`;
        pairs.push(...layer(`${ours}.${index}`, `${ours}.${index + 1}`, `${unitAt(stage, unit)}.conv${i + 1}`));
      }
  }
  pairs.push(...layer(`features.${block}.0`, `features.${block}.1`, "features.final_block"));
  return nameMap("pytorchcv", pairs);
}

/** ResNet: blocks of each stage, convolutions of a block; the stem of ImageNet's is one module deeper. */
function resnet(stages: readonly number[], convolutions: number, stem: string): NameMap {
  const pairs: NamePair[] = [...layer("conv1", "bn1", stem), ["fc", "output"]];
  for (const [stage, units] of stages.entries()) {
    for (let unit = 0; unit < units; unit++) {
      const [ours, theirs] = [`layer${stage + 1}.${unit}`, unitAt(stage, unit)];
      for (let i = 1; i <= convolutions; i++) pairs.push(...layer(`${ours}.conv${i}`, `${ours}.bn${i}`, `${theirs}.body.conv${i}`));
      pairs.push(...layer(`${ours}.downsample.0`, `${ours}.downsample.1`, `${theirs}.identity_conv`));
    }
  }
  return nameMap("pytorchcv", pairs);
}

/** Layers of EfficientNet's blocks there, in torchvision's numbering; "se" is channel attention. */
const blocksOfEfficientnet = { first: ["dw_conv", "se", "pw_conv"], other: ["conv1", "conv2", "se", "conv3"] } as const;
/** Stages of EfficientNet that are one there, since the second keeps the resolution. */
const joinedStages = [[0], [1], [2], [3, 4], [5, 6]];

function efficientnet(repeats: readonly number[]): NameMap {
  const head = `features.${repeats.length + 1}`;
  const pairs: NamePair[] = [
    ...layer("features.0.0", "features.0.1", "features.init_block.conv"),
    ...layer(`${head}.0`, `${head}.1`, "features.final_block"),
    ["classifier.1", "output.fc"],
  ];
  for (const [stage, joined] of joinedStages.entries()) {
    const blocks = joined.flatMap((index) => Array.from({ length: repeats[index] }, (_, block) => [index, block] as const));
    for (const [unit, [index, block]] of blocks.entries()) pairs.push(...efficientnetBlock(index, block, unitAt(stage, unit)));
  }
  return nameMap("pytorchcv", pairs);
}

function efficientnetBlock(stage: number, block: number, theirs: string): NamePair[] {
  const ours = `features.${stage + 1}.${block}.block`;
  return blocksOfEfficientnet[stage === 0 ? "first" : "other"].flatMap((name, i): NamePair[] => {
    if (name !== "se") return layer(`${ours}.${i}.0`, `${ours}.${i}.1`, `${theirs}.${name}`);
    return [
      [`${ours}.${i}.fc1`, `${theirs}.se.conv1`],
      [`${ours}.${i}.fc2`, `${theirs}.se.conv2`],
    ];
  });
}

/** Blocks of each stage of EfficientNet-B0 to B7. */
const repeatsOfEfficientnet: readonly (readonly number[])[] = [
  [1, 2, 2, 3, 3, 4, 1],
  [2, 3, 3, 4, 4, 5, 2],
  [2, 3, 3, 4, 4, 5, 2],
  [2, 3, 3, 5, 5, 6, 2],
  [2, 4, 4, 6, 6, 8, 2],
  [3, 5, 5, 7, 7, 9, 3],
  [3, 6, 6, 8, 8, 11, 3],
  [4, 7, 7, 10, 10, 13, 4],
];

/** pytorchcv's names; ours are the same where torchvision does not have the network. */
export const pytorchcv: Readonly<Record<string, NameMap>> = {
  "mobilenet-v1": sameNames("pytorchcv"),
  ...Object.fromEntries([1, 2, 3, 4, 8].map((groups) => [`shufflenet-v1-g${groups}`, shufflenetV1])),
  "squeezenet-1.0": squeezenet([[3, 4, 5], [7, 8, 9, 10], [12]]),
  "squeezenet-1.1": squeezenet([
    [3, 4],
    [6, 7],
    [9, 10, 11, 12],
  ]),
  igcv3: igcv3(),
  ...Object.fromEntries(repeatsOfEfficientnet.map((repeats, i) => [`efficientnet-b${i}`, efficientnet(repeats)])),
  "resnet-50": resnet([3, 4, 6, 3], 3, "features.init_block.conv"),
  "resnet-20-projection": resnet([3, 3, 3], 2, "features.init_block"),
  "resnet-56-projection": resnet([9, 9, 9], 2, "features.init_block"),
};
