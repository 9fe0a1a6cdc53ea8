/** From a network's record to its graph. The registry is elsewhere: a program may carry one family. */
import { OptionError, ShapeError } from "../core/errors.ts";
import { nearest } from "../core/suggest.ts";
import type { Graph, Value } from "../ir/graph.ts";
import { graphScope, type Scope } from "../ir/scope.ts";
import { graft } from "../passes/graft.ts";
import { setArithmetic } from "../passes/setArithmetic.ts";
import type { Network, NetworkOptions, NetworkSettings } from "./network.ts";
import { resolveOptions } from "./options.ts";

/** The network of a name; an unknown name is refused with the nearest known one. */
export function networkNamed(networks: Readonly<Record<string, Network>>, name: string): Network {
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
export function networkGraph(network: Network, options: BuildOptions = {}): Graph {
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
