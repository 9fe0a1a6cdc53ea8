import type { Graph } from "../ir/graph.ts";
import { adderNets } from "./addernet.ts";
import { type BuildOptions, networkGraph, networkNamed } from "./build.ts";
import { channelnetV1, channelnetV2, channelnetV3 } from "./channelnet.ts";
import { efficientnets } from "./efficientnet.ts";
import { efficientnetsV2 } from "./efficientnetV2.ts";
import { ghostnet } from "./ghostnet.ts";
import { igcv1Imagenet, igcv1Plain, igcv1Residual } from "./igcv1.ts";
import { igcv2 } from "./igcv2.ts";
import { igcv3 } from "./igcv3.ts";
import { micronetM0, micronetM1, micronetM2, micronetM3 } from "./micronet.ts";
import { mobilenetV1 } from "./mobilenetV1.ts";
import { mobilenetV2 } from "./mobilenetV2.ts";
import { mobilenetV3Large, mobilenetV3Small } from "./mobilenetV3.ts";
import type { Network } from "./network.ts";
import { resnet20, resnet50, resnet56 } from "./resnet.ts";
import { shufflenetV1g1, shufflenetV1g2, shufflenetV1g3, shufflenetV1g4, shufflenetV1g8 } from "./shufflenetV1.ts";
import { shufflenetV2 } from "./shufflenetV2.ts";
import { squeezenet10, squeezenet11 } from "./squeezenet.ts";
import { squeezenext23, squeezenext23v5 } from "./squeezenext.ts";
import { vanilla, vanillaCompact } from "./vanilla.ts";
import { vgg16, vgg16Cifar } from "./vgg.ts";

export { type BuildOptions, emitNetwork, type ImageSize, leastSize } from "./build.ts";
export type { Network, NetworkOptions } from "./network.ts";
export { legalWidth, resolveOptions } from "./options.ts";

/** Every network by name. */
export const networks: Readonly<Record<string, Network>> = {
  "igcv1-plain": igcv1Plain,
  "igcv1-residual": igcv1Residual,
  "igcv1-imagenet": igcv1Imagenet,
  igcv2,
  igcv3,
  "mobilenet-v1": mobilenetV1,
  "mobilenet-v2": mobilenetV2,
  "mobilenet-v3-small": mobilenetV3Small,
  "mobilenet-v3-large": mobilenetV3Large,
  "shufflenet-v1-g1": shufflenetV1g1,
  "shufflenet-v1-g2": shufflenetV1g2,
  "shufflenet-v1-g3": shufflenetV1g3,
  "shufflenet-v1-g4": shufflenetV1g4,
  "shufflenet-v1-g8": shufflenetV1g8,
  "shufflenet-v2": shufflenetV2,
  "squeezenet-1.0": squeezenet10,
  "squeezenet-1.1": squeezenet11,
  "squeezenext-23": squeezenext23,
  "squeezenext-23v5": squeezenext23v5,
  "channelnet-v1": channelnetV1,
  "channelnet-v2": channelnetV2,
  "channelnet-v3": channelnetV3,
  ...Object.fromEntries([...efficientnets, ...efficientnetsV2].map((network) => [network.name, network])),
  ghostnet,
  "micronet-m0": micronetM0,
  "micronet-m1": micronetM1,
  "micronet-m2": micronetM2,
  "micronet-m3": micronetM3,
  "vgg-16": vgg16,
  "vgg-16-cifar": vgg16Cifar,
  "resnet-20": resnet20,
  "resnet-56": resnet56,
  "resnet-50": resnet50,
  ...Object.fromEntries(adderNets.map((network) => [network.name, network])),
  vanilla,
  "vanilla-compact": vanillaCompact,
};

/** The network of a name; an unknown name is refused with the nearest known one. */
export function findNetwork(name: string): Network {
  return networkNamed(networks, name);
}

/** A network as a graph: input "image" [batch, channels, h, w], output "logits" [batch, classes]. */
export function buildNetwork(which: string | Network, options: BuildOptions = {}): Graph {
  return networkGraph(typeof which === "string" ? findNetwork(which) : which, options);
}
