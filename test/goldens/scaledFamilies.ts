/** Fixture classes of EfficientNet, EfficientNetV2, GhostNet and ChannelNet as our blocks. */
import { fusedMbConv, ghostBottleneck, mbConv, surveyChannelConv, surveyFusedMbConv, surveyGhostModule } from "../../src/blocks/index.ts";
import { makeDivisible } from "../../src/networks/network.ts";
import type { Arguments, Build } from "./blocks.ts";
import { Mismatch } from "./compare.ts";

/** The survey's three uses of its ChannelConv, by name. */
const channelConvs: Readonly<Record<string, (args: Arguments) => Parameters<typeof surveyChannelConv>[2]>> = {
  GCWConv(args) {
    const [g, f] = [args.number("g"), args.number("f")];
    return { group: g, kernel: [f, 1, 1], padding: Math.floor((f - g) / 2) };
  },
  DWSCWConv(args) {
    const f = args.number("f");
    return { group: 1, kernel: [f, 1, 1], padding: Math.floor((f - 1) / 2) };
  },
  CCL(args) {
    const df = args.number("df");
    return { group: 1, kernel: [args.number("m") - args.number("n") + 1, df, df], padding: 0 };
  },
};

const projections = { coded: "relu", docstring: "identity" } as const;

function mbConvOptions(args: Arguments, norm: { readonly eps: number; readonly momentum: number }): Parameters<typeof mbConv>[2] {
  args.number("inp");
  const row = { out: args.number("out"), expand: args.number("expand"), kernel: args.number("kernel"), stride: args.number("stride") };
  return { ...row, norm };
}

/** Blocks by the fixtures' class names. */
export const scaledFamilies: Readonly<Record<string, Build>> = {
  ChannelConv(g, x, { args, reading }) {
    if (!Object.hasOwn(channelConvs, reading)) throw new Mismatch(`unsupported use "${reading}" of ChannelConv`);
    return surveyChannelConv(g, x, channelConvs[reading](args));
  },
  FusedMBConv(g, x, { args, reading }) {
    const projection = projections[reading as keyof typeof projections];
    if (!projection) throw new Mismatch(`unsupported reading "${reading}" of FusedMBConv`);
    args.number("in_channels");
    return surveyFusedMbConv(g, x, { out: args.number("out_channels"), expansion: args.number("t", 4), projection });
  },
  GhostModule(g, x, { args }) {
    args.number("in_channels");
    args.flag("relu", true);
    const form = { ratio: args.number("s", 2), cheapKernel: args.number("d", 3) };
    return surveyGhostModule(g, x, { out: args.number("out_channels"), ...form });
  },
  tvMBConv: (g, x, { args, norm }) => mbConv(g, x, mbConvOptions(args, norm)),
  tvFusedMBConv: (g, x, { args, norm }) => fusedMbConv(g, x, mbConvOptions(args, norm)),
  timmGhostBottleneck(g, x, { args, norm }) {
    args.number("in_chs");
    const [hidden, ratio] = [args.number("mid_chs"), args.number("se_ratio", 0)];
    return ghostBottleneck(g, x, {
      out: args.number("out_chs"),
      hidden,
      kernel: args.number("dw_kernel_size"),
      stride: args.number("stride"),
      squeeze: ratio > 0 ? { squeeze: makeDivisible(hidden * ratio, 4), gate: "hardSigmoid" } : undefined,
      norm,
    });
  },
};
