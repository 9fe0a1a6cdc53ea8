/** Which of our blocks a fixture's class is, and how its constructor's arguments translate. */
import {
  type Activation,
  depthwiseSeparable,
  fire,
  interleavedV3,
  invertedResidual,
  shuffleNetUnit,
  shuffleUnit,
  surveyAttentiveResidual,
  surveyDepthwiseSeparable,
  surveyFire,
  surveyInterleavedV1,
  surveyInterleavedV2,
  surveyInvertedResidual,
  surveyShuffleNetUnit,
  surveyShuffleUnit,
  surveySqueezeExcitation,
  surveySqueezeNext,
  vanillaConv,
} from "../../src/blocks/index.ts";
import type { Value } from "../../src/ir/graph.ts";
import type { Scope } from "../../src/ir/scope.ts";
import { makeDivisible } from "../../src/networks/network.ts";
import { channelShuffle } from "../../src/ops/channelShuffle.ts";
import { adderFamily } from "./adderFamily.ts";
import { Mismatch } from "./compare.ts";
import { compConvBlocks } from "./compConvFamily.ts";
import { micronetBlocks } from "./micronet.ts";
import { scaledFamilies } from "./scaledFamilies.ts";

/** A constructor's arguments, read once by name; what nobody read is reported. */
export interface Arguments {
  number(name: string, fallback?: number): number;
  pair(name: string, fallback: number): number | readonly [number, number];
  list(name: string, fallback: readonly number[]): readonly number[];
  flag(name: string, fallback: boolean): boolean;
  text(name: string): string;
}

/** One fixture: the class's arguments, the reading that its name says ("relu6", "hswish" …) and its normalisation. */
export interface BlockCase {
  readonly args: Arguments;
  readonly reading: string;
  readonly norm: { readonly eps: number; readonly momentum: number };
}

/** Builds a fixture's block. */
export type Build = (g: Scope, x: Value, fixture: BlockCase) => Value;

const readingsOfV3: Readonly<Record<string, { act: Activation; projection: Activation }>> = {
  coded: { act: "relu", projection: "relu" },
  hswish: { act: "hardSwish", projection: "relu" },
  docstring: { act: "hardSwish", projection: "identity" },
};

function inOut(args: Arguments): { out: number } {
  args.number("in_channels");
  return { out: args.number("out_channels") };
}

function reluOf(reading: string): Activation {
  return reading === "relu6" ? "relu6" : "relu";
}

/** Blocks that exist so far, by the fixtures' class names. */
export const blocks: Readonly<Record<string, Build>> = {
  VanillaConv: (g, x, { args }) =>
    vanillaConv(g, x, {
      ...inOut(args),
      kernel: args.pair("kernel_size", 3),
      stride: args.pair("stride", 1),
      padding: args.pair("padding", 1),
      groups: args.number("groups", 1),
      norm: args.flag("bn", true) ? {} : "none",
      act: args.flag("relu", true) ? "relu" : "identity",
    }),
  DSConv: (g, x, { args, reading }) => surveyDepthwiseSeparable(g, x, { ...inOut(args), act: reluOf(reading) }),
  DSConvv2: (g, x, { args, reading }) =>
    surveyInvertedResidual(g, x, { ...inOut(args), expansion: args.number("t", 6), act: reluOf(reading) }),
  DSConvv3(g, x, { args, reading }) {
    const activations = readingsOfV3[reading];
    if (!activations) throw new Mismatch(`unsupported reading "${reading}" of DSConvv3`);
    return surveyAttentiveResidual(g, x, { ...inOut(args), expansion: args.number("t", 6), ...activations });
  },
  SELayer(g, x, { args }) {
    args.number("channel");
    return surveySqueezeExcitation(g, x, { reduction: args.number("reduction", 16) });
  },
  Fire: (g, x, { args }) => surveyFire(g, x, inOut(args)),
  SqNxt: (g, x, { args }) => surveySqueezeNext(g, x, inOut(args)),
  IGCNet: (g, x, { args }) => surveyInterleavedV1(g, x, inOut(args)),
  IGCV2: (g, x, { args }) => surveyInterleavedV2(g, x, inOut(args)),
  ShuffleNet: (g, x, { args }) => surveyShuffleNetUnit(g, x, { ...inOut(args), groups: args.number("groups", 4) }),
  ShuffleBlock: (g, x, { args }) => channelShuffle(g, [x], { groups: args.number("groups") }),
  ShuffleNetv2: (g, x, { args }) => surveyShuffleUnit(g, x, inOut(args)),
  pcvDwsConv: (g, x, { args, norm }) => depthwiseSeparable(g, x, { ...inOut(args), stride: args.number("stride"), norm }),
  pcvShuffleUnit(g, x, { args, norm }) {
    const [groups, isDown] = [args.number("groups"), args.flag("downsample", false)];
    const firstGroups = args.flag("ignore_group", false) ? 1 : groups;
    return shuffleNetUnit(g, x, { ...inOut(args), groups, firstGroups, stride: isDown ? 2 : 1, norm });
  },
  megviiShuffleV1Block(g, x, { args, norm }) {
    for (const unused of ["inp", "ksize"]) args.number(unused);
    const groups = args.number("group");
    const firstGroups = args.flag("first_group", false) ? 1 : groups;
    const form = { stride: args.number("stride"), hidden: args.number("mid_channels"), convention: "megvii" } as const;
    return shuffleNetUnit(g, x, { ...form, out: args.number("oup"), groups, firstGroups, norm });
  },
  xxradonIGCV3Block(g, x, { args, norm }) {
    const hidden = args.number("inp") * args.number("expand_ratio");
    return interleavedV3(g, x, { out: args.number("oup"), hidden, stride: args.number("stride"), form: "pytorch", norm });
  },
  tvFire(g, x, { args }) {
    args.number("inplanes");
    const [expand1x1, expand3x3] = [args.number("expand1x1_planes"), args.number("expand3x3_planes")];
    return fire(g, x, { squeeze: args.number("squeeze_planes"), expand1x1, expand3x3 });
  },
  tvInvertedResidualV2(g, x, { args, norm }) {
    const hidden = Math.round(args.number("inp") * args.number("expand_ratio"));
    return invertedResidual(g, x, { out: args.number("oup"), hidden, stride: args.number("stride"), norm, layout: "conv" });
  },
  tvInvertedResidualV3(g, x, { args, norm }) {
    args.number("inp");
    const hidden = makeDivisible(args.number("exp"));
    return invertedResidual(g, x, {
      out: makeDivisible(args.number("out")),
      hidden,
      kernel: args.number("kernel"),
      stride: args.number("stride"),
      act: args.text("act") === "HS" ? "hardSwish" : "relu",
      squeeze: args.flag("se", false) ? { squeeze: makeDivisible(hidden / 4), gate: "hardSigmoid" } : undefined,
      norm,
    });
  },
  tvShuffleV2Unit(g, x, { args, norm }) {
    args.number("inp");
    const stride = args.number("stride");
    return shuffleUnit(g, x, { out: args.number("oup"), stride, isSplit: stride === 1, norm });
  },
  ...micronetBlocks,
  ...scaledFamilies,
  ...compConvBlocks,
  ...adderFamily,
};

/** Reads a constructor's arguments and, at the end, names those that no reader asked for. */
export function argumentReader(given: Readonly<Record<string, unknown>>): { args: Arguments; unread(): readonly string[] } {
  const read = new Set<string>();
  function take<T>(name: string, fallback: T | undefined, isFit: (value: unknown) => boolean): T {
    read.add(name);
    const value = Object.hasOwn(given, name) ? given[name] : fallback;
    if (!isFit(value)) throw new Mismatch(`unsupported argument ${name} = ${JSON.stringify(value)}`);
    return value as T;
  }
  const isNumber = (value: unknown): boolean => typeof value === "number";
  const args: Arguments = {
    number: (name, fallback) => take(name, fallback, isNumber),
    pair: (name, fallback) =>
      take(name, fallback, (value) => isNumber(value) || (Array.isArray(value) && value.length === 2 && value.every(isNumber))),
    list: (name, fallback) => take(name, fallback, (value) => Array.isArray(value) && value.every(isNumber)),
    flag: (name, fallback) => take(name, fallback, (value) => typeof value === "boolean"),
    text: (name) => take<string>(name, undefined, (value) => typeof value === "string"),
  };
  return { args, unread: () => Object.keys(given).filter((name) => !read.has(name)) };
}
