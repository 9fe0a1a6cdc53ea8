import { type NameMap, type NamePair, nameMap, sameNames } from "./nameMap.ts";
import { timmEfficientnet } from "./timmEfficientnet.ts";

/** Units of MobileNet's stages. */
const unitsOfV1 = [1, 2, 2, 6, 2];

function mobilenetV1(): NameMap {
  const pairs: NamePair[] = [
    ["features.init_block.conv", "conv_stem"],
    ["features.init_block.bn", "bn1"],
    ["features.final_pool", "global_pool"],
    ["features.final_pool", "global_pool.pool"],
    ["features", "blocks"],
    ["output", "classifier"],
  ];
  for (const [stage, units] of unitsOfV1.entries()) {
    pairs.push([`features.stage${stage + 1}`, `blocks.${stage}`]);
    for (let unit = 0; unit < units; unit++) {
      const [ours, theirs] = [`features.stage${stage + 1}.unit${unit + 1}`, `blocks.${stage}.${unit}`];
      pairs.push([ours, theirs], [`${ours}.dw_conv.conv`, `${theirs}.conv_dw`], [`${ours}.dw_conv.bn`, `${theirs}.bn1`]);
      pairs.push([`${ours}.pw_conv.conv`, `${theirs}.conv_pw`], [`${ours}.pw_conv.bn`, `${theirs}.bn2`]);
    }
  }
  // timm's normalisation layers contain the activation; and "blocks" ends before the pooling, which is inside our "features".
  return nameMap("timm", pairs, { bn1: "features.init_block", blocks: "features.stage5" });
}

/** Blocks of MobileNetV2's stages. */
const blocksOfV2 = [1, 2, 3, 4, 3, 3, 1];

/** MobileNetV2: torchvision numbers the blocks through; a block's last convolution and its normalisation are not one module there. */
function mobilenetV2(): NameMap {
  const head = "features.18";
  const pairs: NamePair[] = [
    ["features.0.0", "conv_stem"],
    ["features.0.1", "bn1"],
    [`${head}.0`, "conv_head"],
    [`${head}.1`, "bn2"],
    ["avgpool", "global_pool"],
    ["classifier.1", "classifier"],
  ];
  let block = 1;
  for (const [stage, count] of blocksOfV2.entries()) {
    for (let i = 0; i < count; i++, block++) {
      const [ours, theirs] = [`features.${block}`, `blocks.${stage}.${i}`];
      const layers = block === 1 ? ["conv_dw", "conv_pw"] : ["conv_pw", "conv_dw", "conv_pwl"];
      const last = layers.length - 1;
      pairs.push([ours, theirs]);
      for (const [index, name] of layers.entries()) {
        const [conv, norm] = index === last ? [`${index}`, `${index + 1}`] : [`${index}.0`, `${index}.1`];
        pairs.push([`${ours}.conv.${conv}`, `${theirs}.${name}`], [`${ours}.conv.${norm}`, `${theirs}.bn${index + 1}`]);
      }
    }
  }
  return nameMap("timm", pairs, { bn1: "features.0", bn2: head });
}

/** Blocks of each stage, in our numbering one after the other, and which have squeeze and excite. */
const large = { stages: [1, 2, 3, 4, 2, 3], attentive: [4, 5, 6, 11, 12, 13, 14, 15] };
const small = { stages: [1, 2, 3, 2, 3], attentive: [1, 4, 5, 6, 7, 8, 9, 10, 11] };

function blockPairs(ours: string, theirs: string, isExpanding: boolean, hasAttention: boolean): NamePair[] {
  let index = 0;
  let norm = 1;
  const pairs: NamePair[] = [[ours, theirs]];
  const layer = (name: string): void => {
    pairs.push([`${ours}.block.${index}.0`, `${theirs}.${name}`], [`${ours}.block.${index}.1`, `${theirs}.bn${norm++}`]);
    index++;
  };
  if (isExpanding) layer("conv_pw");
  layer("conv_dw");
  if (hasAttention) {
    pairs.push([`${ours}.block.${index}.fc1`, `${theirs}.se.conv_reduce`], [`${ours}.block.${index}.fc2`, `${theirs}.se.conv_expand`]);
    index++;
  }
  layer(isExpanding ? "conv_pwl" : "conv_pw");
  return pairs;
}

function mobilenetV3({ stages, attentive }: typeof large, isMinimalistic: boolean): NameMap {
  const pairs: NamePair[] = [
    ["features.0.0", "conv_stem"],
    ["features.0.1", "bn1"],
    ["features", "blocks"],
    ["avgpool", "global_pool"],
    ["avgpool", "global_pool.pool"],
    ["classifier.0", "conv_head", "pointwise"],
    ["classifier.3", "classifier"],
  ];
  const scopes: Record<string, string> = { bn1: "features.0" };
  let block = 1;
  for (const [stage, count] of stages.entries()) {
    for (let i = 0; i < count; i++, block++) {
      const hasAttention = attentive.includes(block) && !isMinimalistic;
      pairs.push(...blockPairs(`features.${block}`, `blocks.${stage}.${i}`, block > 1, hasAttention));
    }
    scopes[`blocks.${stage}`] = `features.${block - 1}`;
  }
  const last = `blocks.${stages.length}`;
  pairs.push([`features.${block}`, `${last}.0`], [`features.${block}.0`, `${last}.0.conv`], [`features.${block}.1`, `${last}.0.bn1`]);
  scopes[last] = `features.${block}`;
  return nameMap("timm", pairs, scopes);
}

/** timm's names by network, "-minimalistic" appended for that variant. */
export const timm: Readonly<Record<string, NameMap>> = {
  "mobilenet-v1": mobilenetV1(),
  "mobilenet-v2": mobilenetV2(),
  "mobilenet-v3-large": mobilenetV3(large, false),
  "mobilenet-v3-small": mobilenetV3(small, false),
  "mobilenet-v3-large-minimalistic": mobilenetV3(large, true),
  "mobilenet-v3-small-minimalistic": mobilenetV3(small, true),
  ghostnet: sameNames("timm"),
  "resnet-50": sameNames("timm"),
  ...timmEfficientnet,
};
