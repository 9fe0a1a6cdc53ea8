/**
 * One design in place of the ordinary convolution. Each row stands in for a 3×3 convolution with its normalisation and activation; a new design is
 * a new row. Blocks that end linearly (inverted residuals) or in a ReLU of their own (SqueezeNext, ShuffleNet) keep their end.
 */
import { OptionError } from "../core/errors.ts";
import { channels, type Value } from "../ir/graph.ts";
import type { Scope } from "../ir/scope.ts";
import type { Activation } from "./activation.ts";
import { activate } from "./activation.ts";
import { channelNetUnit, groupChannelConvolution } from "./channelNet.ts";
import { type CompConvChoices, compConv } from "./compConv.ts";
import { convNormActivation } from "./convNormActivation.ts";
import { depthwiseSeparable } from "./depthwiseSeparable.ts";
import type { DesignName } from "./designNames.ts";
import {
  channelFusion,
  expansions,
  interleavedFirstGroups,
  interleavedGroupWidth,
  interleavedPartitions,
  microFactors,
  shuffleGroups,
  squeezeChannels,
} from "./designRules.ts";
import { fire } from "./fire.ts";
import { ghostModule } from "./ghost.ts";
import { interleavedV1, interleavedV2 } from "./interleaved.ts";
import { invertedResidual } from "./invertedResidual.ts";
import { maxPool, type Normalisation, normalisation } from "./layers.ts";
import { needMultiple } from "./legal.ts";
import { fusedMbConv, mbConv } from "./mbConv.ts";
import { microDepthwise, microPointwise } from "./microFactors.ts";
import type { Padding } from "./padding.ts";
import { shiftMax, shiftMaxStarts } from "./shiftMax.ts";
import { shuffleNetUnit } from "./shuffleNetUnit.ts";
import { shuffleUnit } from "./shuffleUnit.ts";
import { squeezeNext } from "./squeezeNext.ts";

/** The place of a 3×3 convolution in a network. */
export interface Slot {
  readonly out: number;
  readonly stride?: number;
  /** What follows the convolution. Default: ReLU. */
  readonly act?: Activation;
  readonly norm?: Normalisation;
  readonly padding?: Padding;
  /** The convolution reads the image: only designs that say so replace it. */
  readonly readsImage?: true;
  /** Side of a Ghost module's cheap filters. Default 3. */
  readonly cheapKernel?: number;
  /** What a CompConv leaves to choose. */
  readonly compConv?: CompConvChoices;
}

/** A design as a stand-in: what it is called, where it is published, and how it is built. */
export interface Design {
  readonly title: string;
  readonly paper: string;
  /** The idea in a clause. */
  readonly about: string;
  /** Also stands in for the convolution that reads the image, as its paper's counts imply; the others leave that one ordinary. */
  readonly readsImage?: true;
  build(g: Scope, x: Value, slot: Slot): Value;
}

const names = { conv: "conv", norm: "bn" };

/** A CompConv has neither normalisation nor activation inside: they follow, as they would the convolution. */
function divided(g: Scope, x: Value, { compConv: choices, act = "relu", norm, ...slot }: Slot): Value {
  const y = compConv(g.scope(names.conv), x, { ...sharedOf(slot), ...choices });
  return activate(g, normalisation(g.scope(names.norm), y, norm), act);
}

function ordinary(g: Scope, x: Value, { out, stride, act, norm, padding }: Slot): Value {
  return convNormActivation(g, x, { out, stride, act, norm, padding, names });
}

/** Options of a slot that every block takes under the same name. */
function sharedOf({ out, stride = 1, norm, padding }: Slot): { out: number; stride: number; norm?: Normalisation; padding?: Padding } {
  return { out, stride, ...(norm ? { norm } : {}), ...(padding === undefined ? {} : { padding }) };
}

/** SqueezeNet halves by pooling in front of a module. */
function pooled(g: Scope, x: Value, { stride = 1, padding = "symmetrical" }: Slot): Value {
  return stride === 1 ? x : maxPool(g.scope("pool"), x, { kernel: 3, stride, padding });
}

function shuffleNet(g: Scope, x: Value, slot: Slot): Value {
  const inputs = channels(x);
  if (slot.out < inputs) {
    throw new OptionError(
      `a ShuffleNet unit at "${g.path}" adds its branch to the input or puts it beside, so it needs at least as many outputs as its ${inputs} inputs, found ${slot.out}; nearest legal value ${inputs}`,
    );
  }
  const groups = shuffleGroups(inputs, slot.out);
  return shuffleNetUnit(g, x, { ...sharedOf(slot), groups, join: slot.out === inputs ? "add" : "concat" });
}

function channelNet(g: Scope, x: Value, slot: Slot): Value {
  const { out, act = "relu", norm } = slot;
  for (const count of [channels(x), out]) needMultiple(g, "channels of ChannelNet's groups", count, channelFusion.groups);
  let y = channelNetUnit(g, x, { ...sharedOf(slot), groups: channelFusion.groups });
  y = groupChannelConvolution(g.scope("gcw"), y, channelFusion);
  return activate(g, normalisation(g.scope("norm"), y, norm), act);
}

/** Filter, then compress and expand in groups; Dynamic Shift-Max is the activation, with one sum where none is wanted. */
function micro(g: Scope, x: Value, slot: Slot): Value {
  const { out, act, norm } = slot;
  const { groups, hidden } = microFactors(channels(x), out);
  let y = microDepthwise(g.scope("depthwise"), x, sharedOf(slot));
  y = shiftMax(g.scope("act1"), y, { groups, start: shiftMaxStarts.apart });
  y = microPointwise(g.scope("pointwise"), y, { out, hidden, groups, norm });
  return shiftMax(g.scope("act2"), y, { groups, start: act === "identity" ? shiftMaxStarts.single : shiftMaxStarts.apart });
}

/** Every design by the name that `--conv` takes. */
export const designs = {
  vanilla: {
    title: "VanillaConv",
    paper: "the ordinary convolution",
    about: "a dense 3×3 convolution",
    readsImage: true,
    build: ordinary,
  },
  fire: {
    title: "Fire",
    paper: "arXiv 1602.07360",
    about: "squeeze to an eighth by 1×1, expand by 1×1 and 3×3 side by side",
    build(g, x, { out, act = "relu", norm = {}, ...slot }) {
      const half = Math.ceil(out / 2);
      const s = { squeeze: squeezeChannels(out), expand1x1: out - half, expand3x3: half };
      return fire(g, pooled(g, x, { out, ...slot }), { ...s, norm, act });
    },
  },
  sqnxt: {
    title: "SqueezeNext block",
    paper: "arXiv 1803.10615",
    about: "narrow twice by 1×1, filter by 3×1 and 1×3, widen, add the input",
    build(g, x, slot) {
      const { out, stride = 1 } = slot;
      const isSame = stride === 1 && channels(x) === out;
      return squeezeNext(g, x, { ...sharedOf(slot), ...(isSame ? {} : { transition: "v1" }) });
    },
  },
  depthwise: {
    title: "Depthwise separable convolution",
    paper: "arXiv 1704.04861",
    about: "filter each channel, then mix the channels",
    build: (g, x, slot) => depthwiseSeparable(g, x, { ...sharedOf(slot), last: slot.act ?? "relu", act: "relu" }),
  },
  inverted: {
    title: "Inverted residual",
    paper: "arXiv 1801.04381",
    about: "widen by 6, filter each channel, project linearly, add the input",
    build: (g, x, slot) => invertedResidual(g, x, { ...sharedOf(slot), hidden: expansions.inverted * channels(x) }),
  },
  shuffle: {
    title: "ShuffleNet unit",
    paper: "arXiv 1707.01083",
    about: "grouped 1×1 convolutions with a channel shuffle in between, depthwise filters",
    build: shuffleNet,
  },
  "shuffle-v2": {
    title: "ShuffleNetV2 unit",
    paper: "arXiv 1807.11164",
    about: "half of the channels pass, the other half is filtered, then both are shuffled",
    build(g, x, slot) {
      const { out, stride = 1 } = slot;
      return shuffleUnit(g, x, { ...sharedOf(slot), isSplit: stride === 1 && out === channels(x) });
    },
  },
  igc: {
    title: "Interleaved group convolution",
    paper: "arXiv 1707.02725",
    about: "a 3×3 convolution in many groups, a 1×1 in two, channels permuted in between and back",
    build: (g, x, slot) =>
      interleavedV1(g, x, { ...sharedOf(slot), ...interleavedPartitions(channels(x), slot.out), act: slot.act ?? "relu" }),
  },
  igcv2: {
    title: "Interleaved structured sparse convolution",
    paper: "arXiv 1804.06202",
    about: "a depthwise convolution and as many sparse 1×1 as connect everything",
    build(g, x, slot) {
      const size = { groups: interleavedFirstGroups(channels(x), slot.out), groupWidth: interleavedGroupWidth(slot.out) };
      return interleavedV2(g, x, { ...sharedOf(slot), ...size, act: slot.act ?? "relu" });
    },
  },
  channel: {
    title: "Group channel-wise convolution",
    paper: "arXiv 1809.01330",
    about: "a depthwise separable convolution in two groups, fused by a kernel that slides along the channels",
    build: channelNet,
  },
  mbconv: {
    title: "MBConv",
    paper: "arXiv 1905.11946",
    about: "an inverted residual with SiLU and channel attention",
    build: (g, x, slot) => mbConv(g, x, { ...sharedOf(slot), expand: expansions.mbConv }),
  },
  "fused-mbconv": {
    title: "Fused-MBConv",
    paper: "arXiv 2104.00298",
    about: "widen by a dense 3×3 convolution, project linearly, add the input",
    build: (g, x, slot) => fusedMbConv(g, x, { ...sharedOf(slot), expand: expansions.fusedMbConv }),
  },
  ghost: {
    title: "Ghost module",
    paper: "arXiv 1911.11907",
    about: "half of the features by convolution, the other half from these by cheap filters",
    readsImage: true,
    build: (g, x, slot) => ghostModule(g, x, { ...sharedOf(slot), kernel: 3, cheapKernel: slot.cheapKernel ?? 3, act: slot.act ?? "relu" }),
  },
  micro: {
    title: "Micro-factorised convolution",
    paper: "arXiv 2108.05894",
    about: "3×1 and 1×3 filters, 1×1 convolutions of low rank in groups, Dynamic Shift-Max",
    build: micro,
  },
  compconv: {
    title: "CompConv",
    paper: "arXiv 2106.10486",
    about: "part of the outputs copied, part convolved from a smaller layer of the same kind, part filtered cheaply",
    build: divided,
  },
} satisfies Record<DesignName, Design>;

/** Builds a design in a slot; the convolution that reads the image stays ordinary where the design leaves it so. */
export function standIn(name: DesignName, g: Scope, x: Value, slot: Slot): Value {
  const design: Design = slot.readsImage && !isReading(designs[name]) ? designs.vanilla : designs[name];
  return design.build(g, x, slot);
}

function isReading(design: Design): boolean {
  return design.readsImage === true;
}
