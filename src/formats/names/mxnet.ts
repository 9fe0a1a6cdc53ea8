import { type NameMap, type NamePair, nameMap } from "./nameMap.ts";

/** Stages and units that are named; more than the deepest published network has. */
const [STAGES, UNITS] = [4, 64];

/** IGCV1's authors count stages and blocks from 1 and write one name with underscores; `parts` are our modules of a block and theirs. */
function igcv1(parts: readonly (readonly [ours: string, theirs: string])[], head: readonly NamePair[]): NameMap {
  const pairs: NamePair[] = [["stem", "g0_conv"], ["stem_bn", "g0_bn"], ["stem_pool", "g0_pool"], ["pool", "global_pool"], ...head];
  for (let stage = 1; stage <= STAGES; stage++) {
    for (let unit = 0; unit < UNITS; unit++) {
      const at = `stage${stage}.${unit}`;
      for (const [ours, theirs] of parts) pairs.push([`${at}.${ours}`, `g${stage}_b${unit + 1}_${theirs}`]);
    }
  }
  return nameMap("mxnet", pairs);
}

const layers = ["conv1", "conv2", "bn"] as const;

/** Modules of a residual unit, whose parts the authors' CIFAR and ImageNet networks call differently. */
function unit(first: string, second: string, shortcut: string): readonly (readonly [string, string])[] {
  return [
    ...layers.flatMap((layer) => [[`first.${layer}`, `${first}_${layer}`] as const, [`second.${layer}`, `${second}_${layer}`] as const]),
    ["shortcut.conv", `${shortcut}_conv`],
    ["shortcut.bn", `${shortcut}_bn`],
  ];
}

/** Names of the MXNet networks of IGCV1's authors. */
export const mxnet: Readonly<Record<string, NameMap>> = {
  "igcv1-plain": igcv1(
    layers.map((layer) => [layer, layer]),
    [["fc", "fc_score"]],
  ),
  "igcv1-residual": igcv1(unit("p2_two1", "p2_two2", "p0_line"), [
    ["pool", "pool"],
    ["fc", "fc"],
  ]),
  "igcv1-imagenet": igcv1(unit("conv1", "conv2", "proj"), [["fc", "fc_score"]]),
};
