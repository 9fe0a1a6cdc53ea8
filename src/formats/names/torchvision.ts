import { type NameMap, sameNames } from "./nameMap.ts";

/** torchvision's names are ours wherever it has the network. */
export const torchvision: Readonly<Record<string, NameMap>> = {
  "mobilenet-v2": sameNames("torchvision"),
  "mobilenet-v3-small": sameNames("torchvision"),
  "mobilenet-v3-large": sameNames("torchvision"),
  "shufflenet-v2": sameNames("torchvision"),
  "squeezenet-1.0": sameNames("torchvision"),
  "squeezenet-1.1": sameNames("torchvision"),
  "resnet-50": sameNames("torchvision"),
  "vgg-16": sameNames("torchvision"),
  ...Object.fromEntries([0, 1, 2, 3, 4, 5, 6, 7].map((i) => [`efficientnet-b${i}`, sameNames("torchvision")])),
  ...Object.fromEntries(["s", "m", "l"].map((size) => [`efficientnet-v2-${size}`, sameNames("torchvision")])),
};
