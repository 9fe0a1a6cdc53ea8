import { type NameMap, type NamePair, nameMap } from "./nameMap.ts";

/** Units of stages 2, 3 and 4, in ShuffleNet and ShuffleNetV2. */
const unitsOfStages = [4, 8, 4];

/** ShuffleNetV1 of the authors' later code: the units in one row. Inside a unit the names are ours already. */
function shufflenetV1(): NameMap {
  const pairs: NamePair[] = [
    ["features.init_block", "first_conv"],
    ["features.init_block.conv", "first_conv.0"],
    ["features.init_block.bn", "first_conv.1"],
    ["features.init_pool", "maxpool"],
    ["features.final_pool", "globalpool"],
    // The weights are those of the inner module, so it comes first.
    ["output", "classifier.0"],
    ["output", "classifier"],
  ];
  let unit = 0;
  for (const [stage, count] of unitsOfStages.entries()) {
    for (let i = 0; i < count; i++) pairs.push([`features.stage${stage + 1}.unit${i + 1}`, `features.${unit++}`]);
  }
  return nameMap("megvii", pairs, { features: "features.stage3" });
}

/** ShuffleNetV2: the units in one row, branches by what they do. */
function shufflenetV2(): NameMap {
  const pairs: NamePair[] = [
    ["conv1", "first_conv"],
    ["conv5", "conv_last"],
    ["avgpool", "globalpool"],
    ["fc", "classifier.0"],
  ];
  let unit = 0;
  for (const [stage, count] of unitsOfStages.entries()) {
    for (let i = 0; i < count; i++) {
      const [ours, theirs] = [`stage${stage + 2}.${i}`, `features.${unit++}`];
      pairs.push([ours, theirs], [`${ours}.branch1`, `${theirs}.branch_proj`], [`${ours}.branch2`, `${theirs}.branch_main`]);
    }
  }
  return nameMap("megvii", pairs);
}

/** Names of megvii's ShuffleNet code, for the variants that have its conventions. */
export const megvii: Readonly<Record<string, NameMap>> = {
  ...Object.fromEntries([1, 2, 3, 4, 8].map((groups) => [`shufflenet-v1-g${groups}-megvii`, shufflenetV1()])),
  "shufflenet-v2-megvii": shufflenetV2(),
};
