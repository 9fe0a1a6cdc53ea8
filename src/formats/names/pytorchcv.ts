import { type NameMap, sameNames } from "./nameMap.ts";

/** pytorchcv's names for MobileNet are ours, as torchvision has no MobileNet. */
export const pytorchcv: Readonly<Record<string, NameMap>> = { "mobilenet-v1": sameNames("pytorchcv") };
