import { OptionError } from "../../core/errors.ts";
import { nearest } from "../../core/suggest.ts";
import { caffe } from "./caffe.ts";
import { megvii } from "./megvii.ts";
import { mxnet } from "./mxnet.ts";
import { type NameMap, sameNames } from "./nameMap.ts";
import { pytorchcv } from "./pytorchcv.ts";
import { timm } from "./timm.ts";
import { torchvision } from "./torchvision.ts";

export { fromReferenceNames, type NameMap, toReferenceNames, withBatchCounts } from "./nameMap.ts";

/** The PyTorch port of IGCV3 by xxradon: its names are ours. */
const xxradon: Readonly<Record<string, NameMap>> = { "igcv3-pytorch": sameNames("xxradon") };

/** The code of AdderNet and GhostNet by their authors: its names are ours. */
const noah: Readonly<Record<string, NameMap>> = {
  ...Object.fromEntries([20, 32, 18, 50].map((depth) => [`addernet-resnet-${depth}`, sameNames("AdderNet")])),
  ghostnet: sameNames("GhostNet"),
};

/** MicroNet's code by liyunsheng13: its names are ours. */
const micronet: Readonly<Record<string, NameMap>> = Object.fromEntries(
  [0, 1, 2, 3].map((size) => [`micronet-m${size}`, sameNames("MicroNet")]),
);

/** References whose weight names are known, each by network. */
export const references = { torchvision, pytorchcv, timm, caffe, megvii, mxnet, xxradon, noah, micronet } as const;

/** The map between our names and a reference's for a network (and variant, where the names depend on it). */
export function nameMapOf(reference: keyof typeof references, network: string, variant = ""): NameMap {
  const table: Readonly<Record<string, NameMap>> | undefined = Object.hasOwn(references, reference) ? references[reference] : undefined;
  if (!table) {
    const near = nearest(reference, Object.keys(references));
    throw new OptionError(
      `unknown reference "${reference}"; ${near ? `did you mean "${near}"?` : `known are ${Object.keys(references).join(", ")}`}`,
    );
  }
  const map = table[`${network}-${variant}`] ?? table[network];
  if (!map) throw new OptionError(`${reference} has no names for "${network}"; it has ${Object.keys(table).join(", ")}`);
  return map;
}
