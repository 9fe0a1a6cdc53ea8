/** MicroNet's three blocks (arXiv 2108.05894, fig. 4) as the authors' code has them. Scope "layers.i" is the layer's place in that code. */
import { channels, type Value } from "../ir/graph.ts";
import type { Scope } from "../ir/scope.ts";
import { activate } from "./activation.ts";
import { shuffled } from "./layers.ts";
import { needMultiple } from "./legal.ts";
import { groupedPointwise, type MicroLayer, microDepthwise } from "./microFactors.ts";
import type { Pair } from "./padding.ts";
import { residual } from "./residual.ts";
import { shiftMax, shiftMaxStarts } from "./shiftMax.ts";

/** Reduction of the coefficients' branches, before a block's own factor. */
const REDUCTION = 8;

/** One block, in the words of the authors' rows. */
export interface MicroBlock extends MicroLayer {
  readonly out: number;
  readonly kernel: number;
  readonly stride?: number;
  /** c1, c2: how the two halves of the depthwise filter (Micro-A) or the first 1×1 convolution (the others, by their product) multiply the channels. */
  readonly expand: Pair;
  /** g1, g2: groups of the first 1×1 convolution (0: Micro-A) and of the shuffle and the shift behind it. */
  readonly groups: Pair;
  /** g3, g4: the same of the last 1×1 convolution (0: Micro-C). */
  readonly lastGroups: Pair;
  /** y1, y2, y3: for each of the three places Dynamic Shift-Max (2: of two sums, 1: of one) or 0: ReLU6, at the last place nothing. */
  readonly dynamic: readonly [y1: number, y2: number, y3: number];
  /** r: multiplies the reduction in the branches of Dynamic Shift-Max. */
  readonly ratio?: number;
  /** Where the coefficients of two sums start. */
  readonly start?: readonly number[];
}

/** The block that a row asks for. */
export function microBlock(g: Scope, x: Value, options: MicroBlock): Value {
  if (options.groups[0] === 0) return microBlockA(g, x, options);
  return options.lastGroups[1] === 0 ? microBlockC(g, x, options) : microBlockB(g, x, options);
}

/** Dynamic Shift-Max inside a block, or ReLU6. */
function activated(g: Scope, x: Value, kind: number, groups: number, { ratio = 1, start = shiftMaxStarts.alike }: MicroBlock): Value {
  if (kind === 0) return activate(g, x, "relu6");
  return shiftMax(g, x, { groups, reduction: REDUCTION * ratio, start: kind === 2 ? start : shiftMaxStarts.single });
}

/** The last 1×1 convolution and what follows it: layers `first` to `first` + 3, then the shortcut where shapes allow. */
function projected(g: Scope, x: Value, y: Value, first: number, options: MicroBlock): Value {
  const { out, stride = 1, lastGroups, dynamic, ratio = 1, norm } = options;
  const isNarrowing = options.groups[0] === 0 || out < channels(y);
  let z = groupedPointwise(g.scope(`layers.${first}`), y, { out, groups: lastGroups[0], norm });
  if (dynamic[2] > 0) {
    const reduction = (REDUCTION * ratio) / (isNarrowing ? 2 : 1);
    z = shiftMax(g.scope(`layers.${first + 1}`), z, { groups: lastGroups[1], reduction, start: shiftMaxStarts.single });
  }
  needMultiple(g, `outputs of a MicroNet block shuffled in ${lastGroups[1]} groups`, out, lastGroups[1]);
  z = shuffled(g.scope(`layers.${first + 2}`), z, lastGroups[1]);
  if (dynamic[2] > 0 && out % 2 === 0) z = shuffled(g.scope(`layers.${first + 3}`), z, out / 2);
  return residual(g, x, z, { stride });
}

/** Micro-A, for few channels at high resolution: the filter expands, one convolution in groups compresses ("lite" combination, section 3.3). */
export function microBlockA(g: Scope, x: Value, options: MicroBlock): Value {
  const { groups, dynamic, kernel, stride, expand, norm, padding } = options;
  let y = microDepthwise(g.scope("layers.0"), x, { kernel, stride, expand, norm, padding });
  needMultiple(g, `filtered channels of a Micro-A block in ${groups[1]} groups`, channels(y), groups[1]);
  y = activated(g.scope("layers.1"), y, dynamic[1], groups[1], options);
  y = shuffled(g.scope("layers.2"), y, groups[1]);
  if (dynamic[1] > 0) y = shuffledIn(g.scope("layers.3"), y, 2);
  return projected(g, x, y, 4, options);
}

/** Micro-B: expand in groups, filter, compress in groups; the filter's shift runs over as many channels a group as the first one over groups. */
export function microBlockB(g: Scope, x: Value, options: MicroBlock): Value {
  const { expand, groups, dynamic, kernel, stride, norm, padding } = options;
  const hidden = channels(x) * expand[0] * expand[1];
  let y = groupedPointwise(g.scope("layers.0"), x, { out: hidden, groups: groups[0], norm });
  needMultiple(g, `expanded channels of a Micro-B block in ${groups[1]} groups`, hidden, groups[1]);
  y = activated(g.scope("layers.1"), y, dynamic[0], groups[1], options);
  y = shuffled(g.scope("layers.2"), y, groups[1]);
  y = microDepthwise(g.scope("layers.3"), y, { kernel, stride, norm, padding });
  y = activated(g.scope("layers.5"), y, dynamic[1], groups[1] === 1 ? 1 : hidden / groups[1], options);
  const dynamics = dynamic.slice(0, 2).filter((kind) => kind > 0).length;
  if (dynamics > 0) y = shuffledIn(g.scope("layers.6"), y, 2 * dynamics);
  return projected(g, x, y, 7, options);
}

/** Micro-C: the network's last block only expands, in groups. */
export function microBlockC(g: Scope, x: Value, options: MicroBlock): Value {
  const { expand, groups, dynamic, stride = 1, norm } = options;
  const out = channels(x) * expand[0] * expand[1];
  const y = groupedPointwise(g.scope("layers.0"), x, { out, groups: groups[0], norm });
  return residual(g, x, dynamic[2] > 0 ? activated(g.scope("layers.1"), y, 1, groups[1], options) : y, { stride });
}

/** A shuffle of groups of `count` channels each. */
function shuffledIn(g: Scope, x: Value, count: number): Value {
  needMultiple(g, `channels of a MicroNet block shuffled by ${count}`, channels(x), count);
  return shuffled(g, x, channels(x) / count);
}
