import { OptionError, ShapeError } from "../core/errors.ts";
import { nearest } from "../core/suggest.ts";
import type { Graph, Value } from "../ir/graph.ts";
import { graphScope, type Scope } from "../ir/scope.ts";
import { graft } from "../passes/graft.ts";
import { setArithmetic } from "../passes/setArithmetic.ts";
import { adderNets } from "./addernet.ts";
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
import type { Network, NetworkOptions, NetworkSettings } from "./network.ts";
import { resolveOptions } from "./options.ts";
import { resnet20, resnet50, resnet56 } from "./resnet.ts";
import { shufflenetV1g1, shufflenetV1g2, shufflenetV1g3, shufflenetV1g4, shufflenetV1g8 } from "./shufflenetV1.ts";
import { shufflenetV2 } from "./shufflenetV2.ts";
import { squeezenet10, squeezenet11 } from "./squeezenet.ts";
import { squeezenext23, squeezenext23v5 } from "./squeezenext.ts";
import { vanilla, vanillaCompact } from "./vanilla.ts";
import { vgg16, vgg16Cifar } from "./vgg.ts";

export type { Network, NetworkOptions, NetworkSettings } from "./network.ts";
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
  if (Object.hasOwn(networks, name)) return networks[name];
  const near = nearest(name, Object.keys(networks));
  const hint = near
    ? `did you mean "${near}"?   (list: ${Object.keys(networks).join(", ")})`
    : `known are ${Object.keys(networks).join(", ")}`;
  throw new OptionError(`unknown network ${JSON.stringify(name)}\n  ${hint}`);
}

/** Pixels of the images: a side, or [height, width]. */
export type ImageSize = number | readonly [number, number];

/** What a graph is built for, beside the network's own options. */
export interface BuildOptions extends NetworkOptions {
  /** Images a run. Default 1. */
  readonly batch?: number;
  /** Default: the published size. */
  readonly size?: ImageSize;
  /** Colour channels of the images. Default 3. */
  readonly channels?: number;
  /** Batch statistics, running-statistics updates and dropout. */
  readonly isTraining?: boolean;
}

/** A network as a graph: input "image" [batch, channels, h, w], output "logits" [batch, classes]. */
export function buildNetwork(which: string | Network, options: BuildOptions = {}): Graph {
  const network = typeof which === "string" ? findNetwork(which) : which;
  const { batch = 1, size = network.inputSize, channels = 3, isTraining = false, ...rest } = options;
  const [height, width] = typeof size === "number" ? [size, size] : size;
  for (const [name, count] of Object.entries({ batch, channels, height, width })) {
    if (!Number.isSafeInteger(count) || count < 1)
      throw new OptionError(
        `${network.name}: ${name} ${count} needs to be a whole number of 1 or more; nearest legal value ${Math.max(1, Math.round(count) || 1)}`,
      );
  }
  const settings = resolveOptions(network, rest, Math.min(height, width));
  checkSize(network, settings, height, width);
  const g = graphScope({ isTraining });
  g.output("logits", emitNetwork(g, g.input("image", [batch, channels, height, width]), network, settings));
  return g.finish();
}

/** Builds a network in a scope, its layers computing as the settings say: images [n, c, h, w] → logits [n, classes]. */
export function emitNetwork(g: Scope, image: Value, network: Network, settings: NetworkSettings): Value {
  const { arithmetic, gradient } = settings;
  if (arithmetic === (network.arithmetic ?? "product") && gradient === undefined) return network.build(g, image, settings);
  const own = graphScope({ isTraining: g.isTraining });
  own.output("logits", network.build(own, own.input("image", image.shape), settings));
  return graft(g, setArithmetic(own.finish(), { arithmetic, gradient }, network.name), { image }).logits;
}

/** Least pixels of a side at which every layer that halves still has two pixels to halve. */
export function leastSize(network: Network, { droppedStrides }: NetworkSettings): number {
  const strides = network.strides - droppedStrides;
  return network.leastSize?.(droppedStrides) ?? (strides === 0 ? 1 : 2 ** (strides - 1) + 1);
}

function checkSize(network: Network, settings: NetworkSettings, height: number, width: number): void {
  const least = leastSize(network, settings);
  if (Math.min(height, width) >= least) return;
  const remedy =
    settings.droppedStrides < network.strides ? "; keep more resolution (isSmallImage or droppedStrides) or enlarge the images" : "";
  throw new ShapeError(
    `${network.name}: images of ${height}×${width} pixels are too small, it needs at least ${least}×${least}${remedy}; nearest legal value ${least}`,
  );
}
