import { type NameMap, nameMap, sameNames } from "./nameMap.ts";

/** ShuffleNetV1's names are ours; its first block ends with the pooling, which is a place of its own here. */
const shufflenetV1 = nameMap(
  "pytorchcv",
  [
    ["features", "features"],
    ["output", "output"],
  ],
  { "features.init_block": "features.init_pool" },
);

/** pytorchcv's names are ours where torchvision does not have the network. */
export const pytorchcv: Readonly<Record<string, NameMap>> = {
  "mobilenet-v1": sameNames("pytorchcv"),
  ...Object.fromEntries([1, 2, 3, 4, 8].map((groups) => [`shufflenet-v1-g${groups}`, shufflenetV1])),
};
