import { type NameMap, type NamePair, nameMap } from "./nameMap.ts";

/** Layers of a block in timm's names, in torchvision's numbering; "se" is channel attention. */
const blocks = {
  depthwise: ["conv_dw", "se", "conv_pw"],
  inverted: ["conv_pw", "conv_dw", "se", "conv_pwl"],
  plain: ["conv"],
  fused: ["conv_exp", "conv_pwl"],
} as const;

type Kind = keyof typeof blocks;

function blockPairs(ours: string, theirs: string, kind: Kind): NamePair[] {
  let norm = 1;
  const layers = blocks[kind].flatMap((layer, i): NamePair[] => {
    const at = `${ours}.block.${i}`;
    if (layer !== "se") {
      return [
        [`${at}.0`, `${theirs}.${layer}`],
        [`${at}.1`, `${theirs}.bn${norm++}`],
      ];
    }
    return [
      [`${at}.fc1`, `${theirs}.se.conv_reduce`],
      [`${at}.fc2`, `${theirs}.se.conv_expand`],
    ];
  });
  return [[ours, theirs], ...layers];
}

/** The map of a network whose stages hold blocks of these kinds, as many as it likes: pairs are made for the block that a name speaks of. */
function efficientnet(...kinds: readonly Kind[]): NameMap {
  const head = `features.${kinds.length + 1}`;
  const fixed: readonly NamePair[] = [
    ["features.0.0", "conv_stem"],
    ["features.0.1", "bn1"],
    [`${head}.0`, "conv_head"],
    [`${head}.1`, "bn2"],
    ["avgpool", "global_pool"],
    ["avgpool", "global_pool.pool"],
    ["classifier.1", "classifier"],
  ];
  // timm's normalisation layers contain the activation.
  const scopes: Record<string, string> = { bn1: "features.0", bn2: head };
  const outer = nameMap("timm", [...fixed, [`features.${kinds.length}`, "blocks"]], scopes);
  const inner = (path: string): NameMap => {
    const [, folder, stage, block] = /^(features|blocks)\.(\d+)(?:\.(\d+))?(?:\.|$)/.exec(path) ?? [];
    const index = Number(stage) - (folder === "features" ? 1 : 0);
    if (folder === undefined || !(index in kinds)) return outer;
    const [ours, theirs] = [`features.${index + 1}`, `blocks.${index}`];
    const pairs: NamePair[] = [[ours, theirs]];
    if (block !== undefined) pairs.push(...blockPairs(`${ours}.${block}`, `${theirs}.${block}`, kinds[index]));
    return nameMap("timm", pairs);
  };
  return {
    reference: "timm",
    toReference: (weight) => inner(weight.name).toReference(weight),
    fromReference: (weight) => inner(weight.name).fromReference(weight),
    scopeOf: (module) => inner(module).scopeOf(module),
  };
}

const first = efficientnet("depthwise", ...Array.from({ length: 6 }, () => "inverted" as const));
const second = efficientnet("plain", "fused", "fused", "inverted", "inverted", "inverted");
const longer = efficientnet("plain", "fused", "fused", "inverted", "inverted", "inverted", "inverted");

/** timm's names of the tf_ models, by our names. */
export const timmEfficientnet: Readonly<Record<string, NameMap>> = {
  ...Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`efficientnet-b${i}`, first])),
  ...Object.fromEntries(["s", "b0", "b1", "b2", "b3"].map((size) => [`efficientnet-v2-${size}`, second])),
  ...Object.fromEntries(["m", "l"].map((size) => [`efficientnet-v2-${size}`, longer])),
};
